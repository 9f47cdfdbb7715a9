/**
 * Records that both sides had changed, with both versions. The rule has decided already; this is for a person who
 * wants to know what was lost. Also logged as "conflicts", which the command line writes to `logs/conflicts.log`.
 * @module
 */
import { type Instant, logger, type Placed } from "../../core/mod.ts";
import type { Conflict } from "../../contract/records.ts";
import type { Statement, Store } from "../../store/mod.ts";

/** How many are kept, newest first. */
const MAX_KEPT = 10_000;

export class Conflicts {
  readonly #store: Store;
  readonly #add: Statement;
  readonly #page: Statement;
  readonly #since: Statement;
  readonly #prune: Statement;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#add = db.prepare(
      `INSERT INTO sync_conflicts (at, table_name, record_id, kind, winner, local_updated_at,
         remote_updated_at, local_data, remote_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#page = db.prepare(
      "SELECT * FROM sync_conflicts WHERE id < ? AND id >= ? ORDER BY id DESC",
    );
    this.#since = db.prepare("SELECT count(*) AS count FROM sync_conflicts WHERE at >= ?");
    this.#prune = db.prepare(
      "DELETE FROM sync_conflicts WHERE id <= (SELECT max(id) FROM sync_conflicts) - ?",
    );
  }

  /** Keeps a conflict; called inside a write. */
  add(conflict: Omit<Conflict, "id">): void {
    const { at, table, record_id, kind, winner, local, remote } = conflict;
    const { local_updated_at, remote_updated_at } = conflict;
    const { lastInsertRowid } = this.#add.run(
      at,
      table,
      record_id,
      kind,
      winner,
      local_updated_at,
      remote_updated_at,
      JSON.stringify(local),
      JSON.stringify(remote),
    );
    const id = Number(lastInsertRowid);
    this.#store.afterCommit(() => logger("conflicts").info("Conflict {id}", { id, ...conflict }));
  }

  /** Newest first, older than `before`, as the API shows them. */
  *shown(
    { before = Number.MAX_SAFE_INTEGER, from = 0 }: {
      before: number | undefined;
      from: number | undefined;
    },
  ): Generator<Placed<number>> {
    for (const row of this.#page.iterate(before, from)) {
      const { id, at, table_name: table, record_id, kind, winner } = row;
      const { local_updated_at, remote_updated_at } = row;
      const head = { id, at, table, record_id, kind, winner, local_updated_at, remote_updated_at };
      // Both were made from JSON; parsing them would take too long.
      const json = `${JSON.stringify(head).slice(0, -1)},"local":${row.local_data},"remote":${
        String(row.remote_data)
      }}`;
      yield { at: Number(id), json };
    }
  }

  /** How many there were since `at`. */
  countSince(at: Instant): number {
    return Number(this.#since.get(at)?.count);
  }

  /** Forgets the oldest beyond what is kept; called inside a write. */
  prune(): number {
    return Number(this.#prune.run(MAX_KEPT).changes);
  }
}
