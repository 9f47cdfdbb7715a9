/**
 * The outbox of a table that only grows: heartbeats, events, punches. A row waits while its settled mark is
 * not set and it is not rejected; a partial index holds just the rows that wait, so that finding the next
 * batch costs the same at any size.
 * @module
 */
import type { SQLInputValue } from "node:sqlite";
import type {
  Id,
  Instant,
  Outbox,
  OutboxBatch,
  Rejection,
  Row,
  StreamName,
} from "../../core/mod.ts";
import { RowCounter } from "./row_counter.ts";
import { type Cells, LIMIT, prepareCells } from "../database.ts";
import type { Store } from "../store.ts";

/** A row as SQLite gives it. */
export type RawRow = Readonly<Record<string, unknown>>;

export interface TableOutboxOptions {
  stream: StreamName;
  /** The table: `id TEXT` unique, `rejected_at TEXT`, and a settled mark. */
  table: string;
  /** What the cloud calls it. */
  remoteTable: string;
  /**
   * The partial index over the `order` columns of the rows that wait:
   * `… WHERE synced_at IS NULL AND rejected_at IS NULL` or `… WHERE flushed = 0 AND rejected_at IS NULL`.
   */
  index: string;
  /**
   * The primary key of a table whose `id` has no index, which would cost more than the rest of the row. Rejected rows
   * need an index on `id`.
   */
  key?: string;
  /** The order in which rows are sent; together the columns are unique. */
  order?: readonly string[];
  /** The columns that a batch reads besides `id`. */
  columns: readonly string[];
  /** What is sent of a row, where that differs from its columns. */
  row?: (raw: RawRow) => Row;
  /** The column that says since when a row waits. */
  instant: string;
  /** `synced_at` takes the instant of settling, `flushed` goes from 0 to 1. */
  settled?: keyof typeof MARKS;
}

/** An outbox whose table's writer says how many rows it added. */
export interface TableOutbox extends Outbox {
  readonly tables: readonly string[];
  /** New rows wait: called in the `write` that inserts them. */
  added(count: number): void;
  /**
   * Rows were changed and their settled mark cleared, of `settled` rows a set one: called in the `write` that does.
   * Those that are on their way to the cloud are sent again.
   */
  changed(ids: readonly Id[], settled: number): void;
  /** Waiting rows were deleted (retention): called in the `write` that deletes them. */
  removed(count: number): void;
  /** Rows that another program has inserted wait: known at once, because they are committed. */
  addedElsewhere(count: number): void;
  /** Counts again in the background: another program has inserted more rows than are counted in place. */
  recount(): void;
  /** Resolves once `depth` knows every row; at a start with many rows it counts in the background. */
  readonly counted: Promise<void>;
}

/** How a table says that the cloud has a row. */
export const MARKS = {
  synced_at: { waiting: "synced_at IS NULL", set: "synced_at = ?", values: (at: Instant) => [at] },
  flushed: { waiting: "flushed = 0", set: "flushed = 1", values: () => [] },
} as const;

export function tableOutbox(store: Store, options: TableOutboxOptions): TableOutbox {
  const { stream, table, remoteTable, index, instant } = options;
  const { key = "id", order = [key], row = asSent, settled = "synced_at" } = options;
  const mark = MARKS[settled];
  const waiting = `${mark.waiting} AND rejected_at IS NULL`;
  const columns = [...new Set(["id", key, ...options.columns])];
  const orderBy = order.join(", ");
  const { db, rejected } = store;

  // INDEXED BY, because without statistics the planner may prefer walking the whole table in order.
  const select = `SELECT ${columns.join(", ")} FROM ${table} INDEXED BY ${index} WHERE ${waiting}`;
  const inOrder = `ORDER BY ${orderBy} ${LIMIT} OFFSET ?`;
  const next = prepareCells(db, `${select} ${inOrder}`);
  const nextBeyond = prepareCells(db, `${select} AND ${beyond(order)} ${inOrder}`);
  const oldest = db.prepare(
    `SELECT ${instant} AS instant FROM ${table} INDEXED BY ${index} WHERE ${waiting} ORDER BY ${orderBy} LIMIT 1`,
  );
  // One statement for the batch: a third faster than one each, and as exact.
  const settle = db.prepare(
    `UPDATE ${table} SET ${mark.set} WHERE ${key} IN (SELECT value FROM json_each(?)) AND ${waiting}`,
  );
  // The rows of a batch are neighbours nearly always: as a range they are found in two thirds of the time.
  const settleRange = db.prepare(
    `UPDATE ${table} SET ${mark.set} WHERE ${key} BETWEEN ? AND ? AND ${waiting}`,
  );
  const one = db.prepare(
    `SELECT ${columns.join(", ")} FROM ${table} WHERE ${key} = ? AND ${waiting}`,
  );
  const placeOf = db.prepare(`SELECT ${orderBy} FROM ${table} WHERE ${key} = ?`);
  const setRejected = db.prepare(`UPDATE ${table} SET rejected_at = ? WHERE ${key} = ?`);
  const clearRejected = db.prepare(
    `UPDATE ${table} SET rejected_at = NULL
     WHERE id = ? AND rejected_at IS NOT NULL AND ${mark.waiting}`,
  );

  const counter = new RowCounter(store, { table, index, where: waiting, key: order });
  const count = (change: number) => {
    if (change !== 0) store.afterCommit(() => counter.add(change));
  };

  /** The keys of rows that were given out and still wait; none for one that has changed since. */
  const keys = new Map<Id, Id | number | undefined>();
  const keyOf = (id: Id) => key === "id" && !keys.has(id) ? id : keys.get(id);
  const forget = (ids: readonly Id[]) => {
    if (keys.size > 0) store.afterCommit(() => ids.forEach((id) => keys.delete(id)));
  };

  /** The last row that was passed over, by its `order` columns. */
  let passed: SQLInputValue[] | undefined;

  function pendingAfter(given: number, limit: number): OutboxBatch {
    const found = passed ? nextBeyond.all(...passed, limit, given) : next.all(limit, given);
    const rows = found.map((cells) => named(columns, cells));
    for (const raw of rows) keys.set(String(raw.id), raw[key] as Id | number); // a primary key
    return { stream, table: remoteTable, operation: "insert", rows: rows.map(row) };
  }

  return {
    tables: [remoteTable],
    counted: counter.complete,
    addedElsewhere: (rows) => counter.add(rows),
    recount: () => counter.recount(),
    added: (rows) => count(rows),
    changed(ids, settled) {
      count(settled);
      // What is on its way is not what is stored any more: no answer settles it.
      for (const id of ids) if (keys.has(id)) keys.set(id, undefined);
    },
    removed(rows) {
      count(-rows);
      // SQLite may give the key of a deleted row to a new one: what is on its way is sent again instead.
      if (rows > 0) keys.clear();
    },

    pending: (limit) => pendingAfter(0, limit),
    pendingAfter,

    passOver(ids: readonly Id[]): void {
      for (const id of ids.toReversed()) {
        const place = placeOf.get(keyOf(id) ?? null);
        // Retention may have deleted it meanwhile.
        if (!place) continue;
        passed = Object.values(place);
        break;
      }
      ids.forEach((id) => keys.delete(id));
    },

    startOver(): void {
      passed = undefined;
    },

    settle(ids: readonly Id[], at: Instant): void {
      const found = ids.map(keyOf).filter((known) => known !== undefined);
      const { changes: changed } = areNeighbours(found)
        ? settleRange.run(...mark.values(at), found[0]!, found.at(-1)!)
        : settle.run(...mark.values(at), JSON.stringify(found));
      count(-Number(changed));
      forget(ids);
      rejected.accepted(stream, ids);
    },

    reject(rejections: readonly Rejection[], at: Instant): void {
      let gone = 0;
      for (const rejection of rejections) {
        const found = keyOf(rejection.id);
        const raw = found === undefined ? undefined : one.get(found);
        if (found === undefined || !raw) continue;
        rejected.keep(stream, { table: remoteTable, row: row(raw), rejection, at });
        setRejected.run(at, found);
        gone++;
      }
      count(-gone);
      forget(rejections.map(({ id }) => id));
    },

    readmit(ids: readonly Id[]): void {
      let back = 0;
      for (const id of ids) {
        // A row that retention has deleted meanwhile cannot be sent any more: its entry stays as it is.
        if (!rejected.has(stream, id) || clearRejected.run(id).changes === 0) continue;
        rejected.readmit(stream, id);
        back++;
      }
      count(back);
    },

    discard(ids: readonly Id[]): void {
      for (const id of ids) rejected.remove(stream, id);
    },

    depth() {
      const first = oldest.get();
      return { rows: counter.rows, oldest: first ? String(first.instant) : null };
    },
  };
}

/** Every table of an outbox has a text `id`. */
function asSent(raw: RawRow): Row {
  return raw as Row;
}

/** The condition of rows that come after a place in the order. */
function beyond(order: readonly string[]): string {
  return `(${order.join(", ")}) > (${order.map(() => "?").join(", ")})`;
}

/** Whether these are whole numbers that follow each other without a gap. */
function areNeighbours(keys: readonly (Id | number)[]): boolean {
  const first = keys[0];
  return typeof first === "number" && keys.every((key, at) => key === first + at);
}

/** A row by its columns' names. */
function named(columns: readonly string[], cells: Cells): RawRow {
  const raw: Record<string, unknown> = {};
  cells.forEach((value, at) => raw[columns[at]!] = value);
  return raw;
}
