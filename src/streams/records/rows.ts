/**
 * The `records` table: versions in, versions out.
 * @module
 */
import {
  type Instant,
  instantOf,
  type JsonObject,
  parseLossless,
  type Placed,
} from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import { flat, type RecordVersion } from "./record.ts";
import type { LocalRecord } from "./resolve.ts";

/** What a saved version is, besides itself. */
export interface Provenance {
  /** When the two sides last agreed on it; `null` keeps what was known. */
  syncedAt?: Instant | null;
  /** The cloud's version as it was seen; `null` keeps what was known. */
  remoteUpdatedAt?: Instant | null;
}

/** `last_synced_at` of what a reset left to the cloud's word. */
const FORGOTTEN = instantOf(0);

/** A blob: after every text. */
const ANY_ID = new Uint8Array([0xff]);

/** Where the number of the newest reading stands in `meta`. */
export const READING = "records.reading";
const NEWEST_READING = `(SELECT CAST(value AS INTEGER) FROM meta WHERE key = '${READING}')`;

export class Rows {
  readonly #find: Statement;
  readonly #page: Statement;
  readonly #save: Statement;
  readonly #agree: Statement;
  readonly #remove: Statement;
  readonly #forget: Statement;

  constructor({ db }: Store) {
    this.#find = db.prepare(
      `SELECT r.*, EXISTS (
         SELECT 1 FROM sync_queue q
         WHERE q.table_name = r.table_name AND q.record_id = r.record_id AND q.synced_at IS NULL
       ) AS pending
       FROM records r WHERE r.table_name = ? AND r.record_id = ?`,
    );
    this.#page = db.prepare(
      `SELECT * FROM records
       WHERE table_name = ?1 AND record_id > ?2 AND record_id <= ?3 AND (deleted_at IS NULL OR ?4)
       ORDER BY record_id`,
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
  }

  find(table: string, id: string): LocalRecord | undefined {
    const row = this.#find.get(table, id);
    return row && {
      ...version(row),
      pending: row.pending === 1,
      remoteUpdatedAt: row.remote_updated_at === null ? null : String(row.remote_updated_at),
      forgotten: row.last_synced_at === FORGOTTEN,
    };
  }

  /** Records in the order of their ids, as the API shows them. */
  *shown(
    table: string,
    { after, until, deleted }: { after: string; until: string | undefined; deleted: boolean },
  ): Generator<Placed<string>> {
    const last = until ?? ANY_ID;
    for (const row of this.#page.iterate(table, after, last, deleted ? 1 : 0)) {
      yield { at: String(row.record_id), json: shownJson(row) };
    }
  }

  save(table: string, record: RecordVersion, provenance: Provenance = {}): void {
    const { syncedAt = null, remoteUpdatedAt = null } = provenance;
    const { id, systemId, data, updatedAt, deletedAt } = record;
    const json = JSON.stringify(data);
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
  remove(table: string, id: string): void {
    this.#remove.run(table, id);
  }
}

/** The JSON text of a record, without parsing what was made from JSON: that of a large one takes too long. */
function shownJson(row: Readonly<Record<string, unknown>>): string {
  const data = String(row.data);
  if (!data.startsWith("{") || !data.endsWith("}")) return JSON.stringify(flat(version(row)));
  const { record_id: id, system_id, updated_at, deleted_at } = row;
  const managed = JSON.stringify({ id, system_id, updated_at, deleted_at });
  return data === "{}" ? managed : `${data.slice(0, -1)},${managed.slice(1)}`;
}

function version(row: Readonly<Record<string, unknown>>): RecordVersion {
  return {
    id: String(row.record_id),
    systemId: String(row.system_id),
    data: parseLossless(String(row.data)) as JsonObject,
    updatedAt: String(row.updated_at),
    deletedAt: row.deleted_at === null ? null : String(row.deleted_at),
  };
}
