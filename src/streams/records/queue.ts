/**
 * The sync queue: changes that the cloud does not have, at most one open entry per record. A later change replaces the
 * entry under a new number, so that an answer to the old entry does not settle it.
 *
 *     waiting    then      becomes
 *     INSERT     edit      INSERT with the new data
 *     INSERT     delete    nothing, unless it may have reached the cloud: then DELETE
 *     UPDATE     delete    DELETE
 *     DELETE     write     UPDATE
 *
 * @module
 */
import { type Instant, parseLossless } from "../../core/mod.ts";
import { LIMIT, RowCounter, type Statement, type Store } from "../../store/mod.ts";
import type { FlatRecord } from "./record.ts";

export type Operation = "INSERT" | "UPDATE" | "DELETE";

export interface Entry {
  id: number;
  operation: Operation;
  recordId: string;
  record: FlatRecord;
  createdAt: Instant;
}

/** Limit of entries counted by table. */
const MAX_COUNTED = 10_000;

const WAITING = "synced_at IS NULL AND rejected_at IS NULL";

export class Queue {
  readonly #store: Store;
  readonly #counter: RowCounter;
  readonly #onCount: () => void;
  readonly #open: Statement;
  readonly #insert: Statement;
  readonly #delete: Statement;
  readonly #level: Statement;
  readonly #next: Statement;
  readonly #oldest: Statement;
  readonly #byTable: Statement;
  readonly #settle: Statement;
  readonly #retried: Statement;
  readonly #setRejected: Statement;
  /** Entries sent since the start: the cloud may have them. */
  readonly #offered = new Set<number>();

  /** @param options `onCount`: called after a commit that changed the number of waiting entries */
  constructor(store: Store, { onCount = () => {} }: { onCount?: () => void } = {}) {
    const { db } = store;
    this.#onCount = onCount;
    this.#store = store;
    this.#counter = new RowCounter(store, {
      table: "sync_queue",
      index: "sync_queue_waiting",
      where: WAITING,
      key: ["retry_count", "operation", "table_name", "id"],
    });
    this.#open = db.prepare(
      `SELECT id, operation, retry_count, rejected_at FROM sync_queue
       WHERE table_name = ? AND record_id = ? AND synced_at IS NULL`,
    );
    this.#insert = db.prepare(
      `INSERT INTO sync_queue (operation, table_name, record_id, record_data, created_at)
       VALUES (?, ?, ?, ?, ?)`,
    );
    this.#delete = db.prepare("DELETE FROM sync_queue WHERE id = ?");
    this.#level = db.prepare(
      `SELECT min(retry_count) AS level FROM sync_queue INDEXED BY sync_queue_waiting
       WHERE ${WAITING} AND table_name NOT IN (SELECT value FROM json_each(?))`,
    );
    this.#next = db.prepare(
      `SELECT id, operation, record_id, record_data, created_at
       FROM sync_queue INDEXED BY sync_queue_waiting
       WHERE ${WAITING} AND retry_count = ? AND operation = ? AND table_name = ? ORDER BY id ${LIMIT}`,
    );
    this.#oldest = db.prepare(
      `SELECT min(created_at) AS at FROM (
         SELECT created_at FROM sync_queue WHERE ${WAITING} ORDER BY id LIMIT 1)`,
    );
    this.#byTable = db.prepare(
      `SELECT table_name, count(*) AS count FROM (
         SELECT table_name FROM sync_queue INDEXED BY sync_queue_waiting WHERE ${WAITING}
         LIMIT ${MAX_COUNTED})
       GROUP BY table_name`,
    );
    this.#settle = db.prepare(
      "UPDATE sync_queue SET synced_at = ? WHERE id = ? AND synced_at IS NULL AND rejected_at IS NULL",
    );
    this.#retried = db.prepare("UPDATE sync_queue SET retry_count = retry_count + 1 WHERE id = ?");
    this.#setRejected = db.prepare("UPDATE sync_queue SET rejected_at = ? WHERE id = ?");
  }

  /** Number of waiting entries. */
  get waiting(): number {
    return this.#counter.rows;
  }

  /** Number of waiting entries by table, counted up to `MAX_COUNTED`. */
  waitingByTable(): ReadonlyMap<string, number> {
    return new Map(
      this.#byTable.all().map(({ table_name, count }) => [String(table_name), Number(count)]),
    );
  }

  /** When the first waiting entry was made. */
  oldest(): Instant | null {
    const at = this.#oldest.get()?.at;
    return at === null || at === undefined ? null : String(at);
  }

  /**
   * Enqueues a change, merged with the open entry of the record; called inside a write.
   * @returns false when there is nothing to send: the deleted record never reached the cloud
   */
  add(
    operation: Operation,
    table: string,
    { record, at }: { record: FlatRecord; at: Instant },
  ): boolean {
    const open = this.#open.get(table, record.id);
    const merged = open
      ? coalesce(String(open.operation) as Operation, operation, {
        // The cloud refused a rejected entry.
        reachedCloud: open.rejected_at === null &&
          (Number(open.retry_count) > 0 || this.#offered.has(Number(open.id))),
      })
      : operation;
    if (open) this.#drop(open, table, record.id);
    if (!merged) return false;
    this.#insert.run(merged, table, record.id, JSON.stringify(record), at);
    this.#count(1);
    return true;
  }

  /** Removes the open entry of a record, waiting or rejected. */
  drop(table: string, recordId: string): void {
    const open = this.#open.get(table, recordId);
    if (open) this.#drop(open, table, recordId);
  }

  #drop(open: Readonly<Record<string, unknown>>, table: string, recordId: string): void {
    this.#delete.run(Number(open.id));
    if (open.rejected_at === null) this.#count(-1);
    else this.#store.rejected.remove("records", rowId(table, recordId));
  }

  /** Fewest failed attempts of a waiting entry, without the tables of `skip`; undefined when none waits. */
  level(skip: ReadonlySet<string>): number | undefined {
    const level = this.#level.get(JSON.stringify([...skip]))?.level;
    return level === null || level === undefined ? undefined : Number(level);
  }

  /** Waiting entries of a table and operation, oldest first. */
  next(
    operation: Operation,
    table: string,
    { level, limit }: { level: number; limit: number },
  ): Entry[] {
    return this.#next.all(level, operation, table, limit).map((row) => ({
      id: Number(row.id),
      operation,
      recordId: String(row.record_id),
      record: parseLossless(String(row.record_data)) as FlatRecord,
      createdAt: String(row.created_at),
    }));
  }

  /** Entries are sent: from now on the cloud may have them. */
  offer(entries: readonly Entry[]): void {
    for (const { id } of entries) this.#offered.add(id);
  }

  /** The cloud has this entry; false when a later change has replaced it. */
  settle(id: number, at: Instant): boolean {
    this.#offered.delete(id);
    const settled = this.#settle.run(at, id).changes === 1;
    if (settled) this.#count(-1);
    return settled;
  }

  /** Counts a failed attempt: the entry goes behind those with fewer. */
  retried(id: number): void {
    this.#retried.run(id);
  }

  /** Rejects an entry, or readmits it (`at` null); false when it is gone. */
  setRejected(id: number, at: Instant | null): boolean {
    const changed = this.#setRejected.run(at, id).changes === 1;
    if (changed) this.#count(at === null ? 1 : -1);
    return changed;
  }

  /** The number of a record's open entry and whether it is rejected. */
  find(table: string, recordId: string): { id: number; rejected: boolean } | undefined {
    const open = this.#open.get(table, recordId);
    return open && { id: Number(open.id), rejected: open.rejected_at !== null };
  }

  /** Removes every entry that was not pushed. */
  clear(): void {
    const { db, rejected } = this.#store;
    for (;;) {
      const page = rejected.list("records");
      if (page.length === 0) break;
      for (const { id } of page) rejected.remove("records", id);
    }
    this.#count(-this.#counter.rows);
    db.prepare("DELETE FROM sync_queue WHERE synced_at IS NULL").run();
  }

  #count(change: number): void {
    this.#store.afterCommit(() => {
      this.#counter.add(change);
      this.#onCount();
    });
  }
}

/** The value of `sync_rejected.row_id`: record ids are unique only in their table. */
export function rowId(table: string, recordId: string): string {
  return `${table}/${recordId}`;
}

/** The one operation that equals two in a row; `undefined` when they cancel out. */
export function coalesce(
  waiting: Operation,
  then: Operation,
  { reachedCloud }: { reachedCloud: boolean },
): Operation | undefined {
  if (then === "DELETE") return waiting === "INSERT" && !reachedCloud ? undefined : "DELETE";
  return waiting === "INSERT" ? "INSERT" : "UPDATE";
}
