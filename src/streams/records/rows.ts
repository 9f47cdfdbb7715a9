/** The `records` table. @module */
import { type Instant, instantOf, type JsonObject, parseLossless } from "../../core/mod.ts";
import { RowCounter, sliceBudget, type Statement, type Store } from "../../store/mod.ts";
import type { RecordVersion } from "./record.ts";
import type { LocalRecord } from "./resolve.ts";

export interface SaveOptions {
  /** The version that it replaces. */
  before: RecordVersion | undefined;
  /** When both sides last agreed on it; null keeps the stored time. */
  syncedAt?: Instant | null;
  /** Stamp of the cloud's version; null keeps the stored one. */
  remoteUpdatedAt?: Instant | null;
}

/** `last_synced_at` after a reset: the next version of the cloud replaces the record. */
const FORGOTTEN = instantOf(0);

/** A blob sorts after every text. */
export const LAST = new Uint8Array([0xff]);

/** Records read between two checks of the time budget: a record may have 1 MB. */
const PAGE_ROWS = 50;

/** Key of `meta`: the number of the newest reading. */
export const READING = "records.reading";
const NEWEST_READING = `(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '${READING}')`;

export class Rows {
  readonly #store: Store;
  /** Number of records by table, without deleted ones. */
  readonly #live: ReadonlyMap<string, RowCounter>;
  readonly #find: Statement;
  readonly #idsFrom: Statement;
  readonly #changedAt: Statement;
  readonly #save: Statement;
  readonly #agree: Statement;
  readonly #remove: Statement;
  readonly #unmet: Statement;
  readonly #pageEnd: Statement;
  readonly #forget: Statement;

  constructor(store: Store, tables: readonly string[]) {
    const { db } = store;
    this.#store = store;
    this.#live = new Map(tables.map((table) => [
      table,
      new RowCounter(store, {
        table: "records",
        index: "records_changed",
        // A name has letters, digits and "_" alone.
        where: `table_name = '${table}' AND deleted_at IS NULL`,
        key: ["updated_at", "record_id"],
      }),
    ]));
    this.#find = db.prepare(
      `SELECT r.*, EXISTS (
         SELECT 1 FROM sync_queue q
         WHERE q.table_name = r.table_name AND q.record_id = r.record_id AND q.synced_at IS NULL
       ) AS pending
       FROM records r WHERE r.table_name = ? AND r.record_id = ?`,
    );
    this.#idsFrom = db.prepare(
      `SELECT record_id FROM records WHERE table_name = ? AND record_id >= ? ORDER BY record_id
       LIMIT 1`,
    );
    this.#changedAt = db.prepare(
      "SELECT max(updated_at) AS at FROM records INDEXED BY records_changed WHERE table_name = ?",
    );
    this.#save = db.prepare(
      `INSERT INTO records (table_name, record_id, system_id, data, updated_at, deleted_at,
         last_synced_at, remote_updated_at, met_in)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE WHEN ?7 IS NOT NULL THEN ${NEWEST_READING} END)
       ON CONFLICT (table_name, record_id) DO UPDATE SET
         system_id = excluded.system_id, data = excluded.data, updated_at = excluded.updated_at,
         deleted_at = excluded.deleted_at,
         last_synced_at = coalesce(excluded.last_synced_at, last_synced_at),
         remote_updated_at = coalesce(excluded.remote_updated_at, remote_updated_at),
         met_in = coalesce(excluded.met_in, met_in)`,
    );
    this.#agree = db.prepare(
      `UPDATE records SET last_synced_at = ?3, remote_updated_at = ?4, met_in = ${NEWEST_READING}
       WHERE table_name = ?1 AND record_id = ?2`,
    );
    this.#forget = db.prepare(
      "UPDATE records SET last_synced_at = ?, remote_updated_at = NULL",
    );
    this.#remove = db.prepare("DELETE FROM records WHERE table_name = ? AND record_id = ?");
    this.#unmet = db.prepare(
      `DELETE FROM records WHERE table_name = ?1 AND record_id IN (
         SELECT r.record_id FROM records r WHERE r.table_name = ?1
           AND r.record_id > ?3 AND r.record_id <= ?4
           AND r.last_synced_at IS NOT NULL AND coalesce(r.met_in, 0) < ?2
           AND NOT EXISTS (SELECT 1 FROM sync_queue q WHERE q.table_name = r.table_name
             AND q.record_id = r.record_id AND q.synced_at IS NULL))
       RETURNING deleted_at`,
    );
    this.#pageEnd = db.prepare(
      `SELECT record_id FROM records WHERE table_name = ? AND record_id > ? ORDER BY record_id
       LIMIT 1 OFFSET ${PAGE_ROWS - 1}`,
    );
  }

  find(table: string, id: string): LocalRecord | undefined {
    const row = this.#find.get(table, id);
    return row && {
      ...versionOfRow(row),
      pending: row.pending === 1,
      remoteUpdatedAt: row.remote_updated_at === null ? null : String(row.remote_updated_at),
      forgotten: row.last_synced_at === FORGOTTEN,
    };
  }

  /** Number of records of a table, without deleted ones. */
  count(table: string): number {
    return this.#live.get(table)?.rows ?? 0;
  }

  /** Time of the newest change in a table, deletions included. */
  changedAt(table: string): Instant | null {
    const at = this.#changedAt.get(table)?.at;
    return at === null || at === undefined ? null : String(at);
  }

  /** The first id of a table that begins with this text. */
  idWith(table: string, start: string): string | undefined {
    const id = this.#idsFrom.get(table, start)?.record_id;
    return typeof id === "string" && id.startsWith(start) ? id : undefined;
  }

  /** Called inside a write, as all methods below. */
  save(
    table: string,
    record: RecordVersion,
    { before, syncedAt = null, remoteUpdatedAt = null }: SaveOptions,
  ): void {
    const { id, systemId, data, updatedAt, deletedAt } = record;
    const json = JSON.stringify(data);
    this.#count(table, liveRows(record) - liveRows(before));
    this.#save.run(table, id, systemId, json, updatedAt, deletedAt, syncedAt, remoteUpdatedAt);
  }

  /** Notes that both sides agree on the record since `at`. */
  agree(table: string, id: string, { at, on }: { at: Instant; on: Instant }): void {
    this.#agree.run(table, id, at, on);
  }

  /** Leaves every record to the cloud: the next reading removes it or replaces it by the cloud's version. */
  forgetAll(): void {
    this.#forget.run(FORGOTTEN);
  }

  /** Deletes a record with its tombstone. */
  remove(table: string, record: RecordVersion): void {
    this.#count(table, -liveRows(record));
    this.#remove.run(table, record.id);
  }

  /**
   * Deletes, for one slice after the id `after`, records that a reading from the beginning has not met and that have no
   * waiting change: the cloud does not have them.
   * @returns the id that the slice has reached; undefined at the end of the table
   */
  removeUnmet(
    table: string,
    { reading, after = "" }: { reading: number; after?: string | undefined },
  ): string | undefined {
    const budget = sliceBudget();
    do {
      const end = this.#pageEnd.get(table, after)?.record_id;
      const gone = this.#unmet.all(table, reading, after, end ?? LAST);
      this.#count(table, -gone.filter(({ deleted_at }) => deleted_at === null).length);
      if (end === undefined) return undefined;
      after = String(end);
    } while (budget.left());
    return after;
  }

  #count(table: string, change: number): void {
    if (change === 0) return;
    this.#store.afterCommit(() => this.#live.get(table)?.add(change));
  }
}

function liveRows(version: RecordVersion | undefined): number {
  return version?.deletedAt === null ? 1 : 0;
}

/** A row of the table as a version. */
export function versionOfRow(row: Readonly<Record<string, unknown>>): RecordVersion {
  return {
    id: String(row.record_id),
    systemId: String(row.system_id),
    data: parseLossless(String(row.data)) as JsonObject,
    updatedAt: String(row.updated_at),
    deletedAt: row.deleted_at === null ? null : String(row.deleted_at),
  };
}
