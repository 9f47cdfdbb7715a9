/**
 * Lists records of a table by id, or by time of change. A request reads a limited number of rows, whether they match or
 * not; its `Link` continues after them.
 * @module
 */
import type { Instant, JsonObject, Placed } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import { type Filter, matches } from "./filter.ts";
import { flat } from "../record.ts";
import { LAST, versionOfRow } from "../rows.ts";

/** A record's place in both orders. */
export interface RecordPlace {
  id: string;
  updatedAt: Instant;
}

export interface WantedRecords {
  /** Whether deleted records are wanted. */
  deleted: boolean;
  /** Only changes from this time on, in their order; undefined: all records, by id. */
  since: Instant | undefined;
  filter: Filter;
}

/** Limits of one request: rows, and characters of their fields. */
const MAX_READ_ROWS = 10_000;
const MAX_READ_CHARACTERS = 16 << 20;

type StoredRow = Readonly<Record<string, unknown>>;

export class RecordListing {
  readonly #byId: Statement;
  readonly #byChange: Statement;

  constructor({ db }: Store) {
    this.#byId = db.prepare(
      `SELECT * FROM records WHERE table_name = ? AND record_id > ? AND record_id <= ?
       ORDER BY record_id`,
    );
    this.#byChange = db.prepare(
      `SELECT * FROM records INDEXED BY records_changed
       WHERE table_name = ? AND (updated_at, record_id) > (?, ?)
         AND (updated_at, record_id) <= (?, ?)
       ORDER BY updated_at, record_id`,
    );
  }

  /** A reader for one answer; the limits are for all its calls without `until`. */
  reader(
    table: string,
    wanted: WantedRecords,
  ): (
    span: { after: RecordPlace | undefined; until: RecordPlace | undefined },
  ) => Generator<Placed<RecordPlace>> {
    const left = { rows: MAX_READ_ROWS, characters: MAX_READ_CHARACTERS };
    const stored = (after: RecordPlace | undefined, until: RecordPlace | undefined) =>
      wanted.since === undefined
        ? this.#byId.iterate(table, after?.id ?? "", until?.id ?? LAST)
        : this.#byChange.iterate(
          table,
          ...[after?.updatedAt ?? wanted.since, after?.id ?? ""],
          ...[until?.updatedAt ?? LAST, until?.id ?? LAST],
        );
    return function* ({ after, until }) {
      for (const row of stored(after, until)) {
        left.rows--;
        left.characters -= String(row.data).length;
        const at = { id: String(row.record_id), updatedAt: String(row.updated_at) };
        const enough = until === undefined && (left.rows <= 0 || left.characters <= 0);
        yield {
          at,
          ...(isWanted(row, wanted) ? { json: shownJson(row) } : {}),
          ...(enough ? { cut: true } : {}),
        };
      }
    };
  }
}

function isWanted(row: StoredRow, { deleted, filter }: WantedRecords): boolean {
  if (row.deleted_at !== null && !deleted) return false;
  return filter.size === 0 || matches(filter, { data: String(row.data), managed: managed(row) });
}

/** The JSON text of a record, without parsing its fields: a large record would take too long. */
function shownJson(row: StoredRow): string {
  const data = String(row.data);
  if (!data.startsWith("{") || !data.endsWith("}")) return JSON.stringify(flat(versionOfRow(row)));
  const json = JSON.stringify(managed(row));
  return data === "{}" ? json : `${data.slice(0, -1)},${json.slice(1)}`;
}

function managed(row: StoredRow): JsonObject {
  const { record_id: id, system_id, updated_at, deleted_at } = row;
  // Columns of text, of which the last may be null.
  return { id, system_id, updated_at, deleted_at } as JsonObject;
}
