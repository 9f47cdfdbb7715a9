/**
 * Conflicts: records that both sides had changed, with both versions, for a person who misses one. Also logged under
 * "conflicts", which the command line writes to `logs/conflicts.log`.
 * @module
 */
import { type Instant, logger, type Placed } from "../../core/mod.ts";
import type { Conflict } from "../../contract/records.ts";
import type { Statement, Store } from "../../store/mod.ts";

const MAX_KEPT = 10_000;

export class Conflicts {
  readonly #store: Store;
  readonly #add: Statement;
  readonly #page: Statement;
  readonly #since: Statement;
  readonly #addUnseen: Statement;
  readonly #unseen: Statement;
  readonly #pruneUnseen: Statement;
  readonly #see: Statement;
  readonly #seeAll: Statement;
  readonly #prune: Statement;

  constructor(store: Store) {
    const { db } = store;
    this.#store = store;
    this.#add = db.prepare(
      `INSERT INTO sync_conflicts (at, table_name, record_id, kind, winner, local_updated_at,
         remote_updated_at, local_data, remote_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#page = db.prepare(
      `SELECT *, id NOT IN (SELECT conflict_id FROM unseen_conflicts) AS seen
       FROM sync_conflicts WHERE id < ? AND id >= ? ORDER BY id DESC`,
    );
    this.#since = db.prepare("SELECT count(*) AS count FROM sync_conflicts WHERE at >= ?");
    this.#addUnseen = db.prepare(
      "INSERT INTO unseen_conflicts (conflict_id, table_name) VALUES (?, ?)",
    );
    this.#unseen = db.prepare(
      "SELECT table_name, count(*) AS count FROM unseen_conflicts GROUP BY table_name",
    );
    this.#see = db.prepare(
      "DELETE FROM unseen_conflicts WHERE conflict_id IN (SELECT value FROM json_each(?))",
    );
    this.#seeAll = db.prepare("DELETE FROM unseen_conflicts");
    this.#pruneUnseen = db.prepare(
      "DELETE FROM unseen_conflicts WHERE conflict_id <= (SELECT max(id) FROM sync_conflicts) - ?",
    );
    this.#prune = db.prepare(
      "DELETE FROM sync_conflicts WHERE id <= (SELECT max(id) FROM sync_conflicts) - ?",
    );
  }

  /** Keeps a conflict; called inside a write. */
  add(conflict: Omit<Conflict, "id" | "seen">): void {
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
    this.#addUnseen.run(id, table);
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
      const versions = { local_updated_at, remote_updated_at, seen: row.seen === 1 };
      const head = { id, at, table, record_id, kind, winner, ...versions };
      // Both versions are JSON text; parsing them would take too long.
      const json = `${JSON.stringify(head).slice(0, -1)},"local":${row.local_data},"remote":${
        String(row.remote_data)
      }}`;
      yield { at: Number(id), json };
    }
  }

  countSince(at: Instant): number {
    return Number(this.#since.get(at)?.count);
  }

  /** Number of unseen conflicts by table. */
  unseenByTable(): ReadonlyMap<string, number> {
    return new Map(
      this.#unseen.all().map(({ table_name, count }) => [String(table_name), Number(count)]),
    );
  }

  /** Marks conflicts as seen; returns how many were unseen. Called inside a write. */
  see(ids: readonly number[] | "all"): number {
    const { changes } = ids === "all" ? this.#seeAll.run() : this.#see.run(JSON.stringify(ids));
    return Number(changes);
  }

  /** Deletes the oldest beyond `MAX_KEPT`; called inside a write. */
  prune(): number {
    this.#pruneUnseen.run(MAX_KEPT);
    return Number(this.#prune.run(MAX_KEPT).changes);
  }
}
