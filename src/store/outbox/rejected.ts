/**
 * Rows that the cloud rejected, with its reason, until the user decides. An entry that is sent again stays, hidden, so
 * that a row that is rejected a second time shows both attempts:
 *
 *     keep ──► open ──► readmit ──► hidden ──► accepted: gone
 *               │ ▲                    │
 *        remove │ └── keep, attempts+1 ┘
 *               ▼
 *              gone
 * @module
 */
import {
  type Id,
  type Instant,
  parseLossless,
  type Rejection,
  type Row,
  type StreamName,
} from "../../core/mod.ts";
import { type Database, LIMIT, type OpenDatabase } from "../database.ts";
import { RowCounter } from "./row_counter.ts";

/** A rejected row with the reason. */
export interface StoredRejection {
  stream: StreamName;
  /** The cloud's table. */
  table: string;
  id: Id;
  /** As it was sent. */
  row: Row;
  status: number | null;
  code: string | null;
  message: string;
  /** How often the cloud has rejected it. */
  attempts: number;
  firstAt: Instant;
  lastAt: Instant;
}

/** A rejected row as stored: a large one is not parsed to be listed. */
export interface RejectedText extends Omit<StoredRejection, "row"> {
  rowJson: string;
}

export class Rejected {
  readonly #database: OpenDatabase;
  readonly #statements: ReturnType<typeof prepared>;
  readonly #counters = new Map<StreamName, RowCounter>();

  constructor(database: OpenDatabase) {
    this.#database = database;
    this.#statements = prepared(database.db);
  }

  /** Keeps a row that the cloud rejected. Inside `write`, like all that changes something here. */
  keep(
    stream: StreamName,
    { table, row, rejection, at }: { table: string; row: Row; rejection: Rejection; at: Instant },
  ): void {
    const { status = null, code = null, message } = rejection;
    const known = this.has(stream, row.id);
    const payload = JSON.stringify(row);
    this.#statements.keep.run(stream, table, row.id, payload, status, code, message, at);
    if (!known) this.#count(stream, 1);
  }

  /** Sends the row again; false when it is not rejected. */
  readmit(stream: StreamName, id: Id): boolean {
    const done = this.#statements.readmit.run(stream, id).changes > 0;
    if (done) this.#count(stream, -1);
    return done;
  }

  /** The cloud has these now: their entries are deleted. */
  accepted(stream: StreamName, ids: readonly Id[]): void {
    const { isReadmitted, accepted } = this.#statements;
    if (isReadmitted.get(stream)) accepted.run(stream, JSON.stringify(ids));
  }

  /** Gives the row up; false when it is not rejected. */
  remove(stream: StreamName, id: Id): boolean {
    const done = this.#statements.remove.run(stream, id).changes > 0;
    if (done) this.#count(stream, -1);
    return done;
  }

  /** Whether the row is rejected and not decided about yet. */
  has(stream: StreamName, id: Id): boolean {
    return this.#statements.isOpen.get(stream, id) !== undefined;
  }

  find(stream: StreamName, id: Id): StoredRejection | undefined {
    const raw = this.#statements.find.get(stream, id);
    return raw && rejectedRow(raw);
  }

  /** A page in the order of ids, which is that of the rows' making; `after` is the last id of the page before. */
  list(stream: StreamName, { after = "", limit = 100 } = {}): StoredRejection[] {
    return this.#statements.list.all(stream, after, limit).map(rejectedRow);
  }

  /** The newest, or the one next to it on the way back. */
  newest(
    stream: StreamName,
    { before = "\u{10FFFF}" }: { before?: Id | undefined } = {},
  ): RejectedText | undefined {
    const raw = this.#statements.newest.get(stream, before);
    return raw && { ...reasonOf(raw), rowJson: String(raw.payload) };
  }

  /** How many rows of the stream are rejected. Cheap at any size. */
  count(stream: StreamName): number {
    let counter = this.#counters.get(stream);
    if (!counter) {
      counter = new RowCounter(this.#database, {
        table: "sync_rejected",
        index: "sync_rejected_open",
        where: `readmitted = 0 AND stream = '${stream}'`,
        key: ["stream", "row_id"],
      });
      this.#counters.set(stream, counter);
    }
    return counter.rows;
  }

  #count(stream: StreamName, change: number): void {
    const counter = this.#counters.get(stream);
    if (counter) this.#database.afterCommit(() => counter.add(change));
  }
}

function prepared(db: Database) {
  return {
    keep: db.prepare(
      `INSERT INTO sync_rejected
         (stream, table_name, row_id, payload, status, code, message, attempts, first_at, last_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8)
       ON CONFLICT (stream, row_id) DO UPDATE SET
         table_name = excluded.table_name, payload = excluded.payload, status = excluded.status,
         code = excluded.code, message = excluded.message, attempts = attempts + 1,
         last_at = excluded.last_at, readmitted = 0`,
    ),
    isOpen: db.prepare(
      "SELECT 1 FROM sync_rejected WHERE stream = ? AND row_id = ? AND readmitted = 0",
    ),
    readmit: db.prepare(
      "UPDATE sync_rejected SET readmitted = 1 WHERE stream = ? AND row_id = ? AND readmitted = 0",
    ),
    // The partial index of readmitted rows is empty nearly always, and asking it first is nearly free.
    isReadmitted: db.prepare(
      "SELECT 1 FROM sync_rejected WHERE stream = ? AND readmitted = 1 LIMIT 1",
    ),
    accepted: db.prepare(
      `DELETE FROM sync_rejected
       WHERE stream = ? AND readmitted = 1 AND row_id IN (SELECT value FROM json_each(?))`,
    ),
    remove: db.prepare(
      "DELETE FROM sync_rejected WHERE stream = ? AND row_id = ? AND readmitted = 0",
    ),
    list: db.prepare(
      `SELECT * FROM sync_rejected INDEXED BY sync_rejected_open
       WHERE stream = ? AND row_id > ? AND readmitted = 0 ORDER BY row_id ${LIMIT}`,
    ),
    newest: db.prepare(
      `SELECT * FROM sync_rejected INDEXED BY sync_rejected_open
       WHERE stream = ? AND row_id < ? AND readmitted = 0 ORDER BY row_id DESC LIMIT 1`,
    ),
    find: db.prepare(
      "SELECT * FROM sync_rejected WHERE stream = ? AND row_id = ? AND readmitted = 0",
    ),
  };
}

function rejectedRow(raw: Readonly<Record<string, unknown>>): StoredRejection {
  return { ...reasonOf(raw), row: parseLossless(String(raw.payload)) as Row }; // only written by `keep`
}

function reasonOf(raw: Readonly<Record<string, unknown>>): Omit<StoredRejection, "row"> {
  return {
    stream: raw.stream as StreamName, // only written by `keep`
    table: String(raw.table_name),
    id: String(raw.row_id),
    status: raw.status === null ? null : Number(raw.status),
    code: raw.code === null ? null : String(raw.code),
    message: String(raw.message),
    attempts: Number(raw.attempts),
    firstAt: String(raw.first_at),
    lastAt: String(raw.last_at),
  };
}
