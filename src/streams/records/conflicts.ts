/**
 * What both sides had changed: kept in a table, and as lines of JSON in `logs/conflicts.log` for people who
 * look there. The rule has decided already; this is for a person who wants to know what was lost.
 * @module
 */
import { type Instant, type JsonObject, parseLossless } from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import type { ConflictKind } from "./resolve.ts";

export interface Conflict {
  id: number;
  at: Instant;
  table: string;
  record_id: string;
  /** What was done here, and what was done in the cloud. */
  kind: ConflictKind;
  winner: "local" | "remote";
  local_updated_at: Instant;
  remote_updated_at: Instant;
  local: JsonObject;
  remote: JsonObject;
}

/** How many are kept, newest first. */
const KEPT = 10_000;

export class Conflicts {
  readonly #store: Store;
  readonly #writeLine: (line: string) => void;
  readonly #add: Statement;
  readonly #page: Statement;
  readonly #since: Statement;
  readonly #prune: Statement;

  /** @param writeLine appends a line to the log file, once the conflict is committed */
  constructor(store: Store, { writeLine }: { writeLine: (line: string) => void }) {
    const { db } = store;
    this.#store = store;
    this.#writeLine = writeLine;
    this.#add = db.prepare(
      `INSERT INTO sync_conflicts (at, table_name, record_id, kind, winner, local_updated_at,
         remote_updated_at, local_data, remote_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#page = db.prepare("SELECT * FROM sync_conflicts WHERE id < ? ORDER BY id DESC LIMIT ?");
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
    const line = JSON.stringify({ id: Number(lastInsertRowid), ...conflict });
    this.#store.afterCommit(() => this.#writeLine(line));
  }

  /** Newest first, older than `before`. */
  page(
    { before = Number.MAX_SAFE_INTEGER, limit }: { before?: number; limit: number },
  ): Conflict[] {
    return this.#page.all(before, limit).map((row) => ({
      id: Number(row.id),
      at: String(row.at),
      table: String(row.table_name),
      record_id: String(row.record_id),
      kind: row.kind as ConflictKind,
      winner: row.winner as Conflict["winner"],
      local_updated_at: String(row.local_updated_at),
      remote_updated_at: String(row.remote_updated_at),
      local: parseLossless(String(row.local_data)) as JsonObject,
      remote: parseLossless(String(row.remote_data)) as JsonObject,
    }));
  }

  /** How many there were since `at`. */
  countSince(at: Instant): number {
    return Number(this.#since.get(at)?.count);
  }

  /** Forgets the oldest beyond what is kept; called inside a write. */
  prune(): number {
    return Number(this.#prune.run(KEPT).changes);
  }
}
