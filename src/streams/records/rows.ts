/**
 * The `records` table: versions in, versions out.
 * @module
 */
import { type Instant, instantOf, type JsonObject, parseLossless } from "../../core/mod.ts";
import { RowCounter, sliceBudget, type Statement, type Store } from "../../store/mod.ts";
import type { RecordVersion } from "./record.ts";
import type { LocalRecord } from "./resolve.ts";

/** What a saved version is, besides itself. */
export interface SaveOptions {
  /** The version that it replaces. */
  before: RecordVersion | undefined;
  /** When the two sides last agreed on it; `null` keeps what was known. */
  syncedAt?: Instant | null;
  /** The cloud's version as it was seen; `null` keeps what was known. */
  remoteUpdatedAt?: Instant | null;
}

/** `last_synced_at` of what a reset left to the cloud's word. */
const FORGOTTEN = instantOf(0);

/** A blob: after every text. */
const LAST_ID = new Uint8Array([0xff]);

/** Records that are looked at between two looks at the time: some may have a megabyte. */
const PAGE_ROWS = 50;

/** Where the number of the newest reading stands in `meta`. */
export const READING = "records.reading";
const NEWEST_READING = `(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '${READING}')`;

export class Rows {
  readonly #store: Store;
  /** How many records of each table are not deleted. */
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

  /** How many records of a table are not deleted. */
  count(table: string): number {
    return this.#live.get(table)?.rows ?? 0;
  }

  /** When the newest version of a table's records was made, those that are deleted included. */
  changedAt(table: string): Instant | null {
    const at = this.#changedAt.get(table)?.at;
    return at === null || at === undefined ? null : String(at);
  }

  /** The first id of a table that begins with this text. */
  idWith(table: string, start: string): string | undefined {
    const id = this.#idsFrom.get(table, start)?.record_id;
    return typeof id === "string" && id.startsWith(start) ? id : undefined;
  }

  /** Called inside a write, as all that follow. */
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

  /** The two sides agree on the record since `at`. */
  agree(table: string, id: string, { at, on }: { at: Instant; on: Instant }): void {
    this.#agree.run(table, id, at, on);
  }

  /** What the cloud does not have goes, and what it has comes back as it is there. */
  forgetAll(): void {
    this.#forget.run(FORGOTTEN);
  }

  /** Forgets a record altogether, tombstone and all. */
  remove(table: string, record: RecordVersion): void {
    this.#count(table, -liveRows(record));
    this.#remove.run(table, record.id);
  }

  /**
   * Forgets, for one slice, what a reading from the beginning has not met and no change waits for: it is gone in the
   * cloud. `after` is the id that the slice before came to.
   * @returns the id that this one came to; undefined at the end of the table
   */
  removeUnmet(
    table: string,
    { reading, after = "" }: { reading: number; after?: string | undefined },
  ): string | undefined {
    const budget = sliceBudget();
    do {
      const end = this.#pageEnd.get(table, after)?.record_id;
      const gone = this.#unmet.all(table, reading, after, end ?? LAST_ID);
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

/** How many records that are not deleted a version is. */
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
