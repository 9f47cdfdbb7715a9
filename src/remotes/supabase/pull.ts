/**
 * Reads rows of this system that are new since the cursor, in pages. Ordered by `received_at`, when the server got a
 * row, where the table has it (ours do); by `updated_at` otherwise, which misses an edit that was made offline and
 * arrives late.
 *
 * A transaction that started earlier may commit later, with an earlier stamp. So the cursor rests a minute
 * behind the server's clock, and what lies in between is read again:
 *
 *     ──────────●────────────────────●──●────────► received_at
 *          cursor rests here     newest row   server's now
 *               └─ at most 60 s before now ──┘
 *
 * The end of a table is an empty page: a project's `max-rows` may be smaller than the page that was asked for.
 * @module
 */
import { type Cursor, instantOf, msOf, type Page, type RemoteError } from "../../core/mod.ts";
import { idOf } from "./exact_numbers.ts";
import type { LearnedTables } from "./learned_tables.ts";
import type { Project } from "./project.ts";
import { type Keys, quoted, recordsOf, rowsOf } from "./query.ts";

/** Supabase's own `max-rows`: a larger page is cut to it. */
const MAX_ROWS = 1_000;
/** Longer than a transaction takes. */
const OVERLAP_MS = 60_000;
const RECEIVED = "received_at";
const EDITED = "updated_at";
/** Rows are read up to here: a stamp of `infinity`, or none, has no place in the order of time. */
const END_OF_TIME = "9999-12-31";

export interface TableReaderOptions {
  project: Project;
  systemId: string;
  keys: Keys;
  learned: LearnedTables<ReadProfile>;
}

/** What was learned of reading a table. */
export interface ReadProfile {
  /** The column that it is read by. */
  column: string;
  /** Whether the rows without a stamp were counted. */
  counted: boolean;
}

export class TableReader {
  readonly #project: Project;
  readonly #options: TableReaderOptions;

  constructor(options: TableReaderOptions) {
    this.#project = options.project;
    this.#options = options;
  }

  /** @throws {RemoteError} */
  async page(
    table: string,
    cursor: Cursor | null,
    options: { rows?: number; signal: AbortSignal },
  ): Promise<Page> {
    const { signal } = options;
    const { learned } = this.#options;
    const { column, counted } = learned.get(table) ?? { column: RECEIVED, counted: false };
    const { data, error, status } = await this.#query(table, { ...options, column, cursor });
    if (error) {
      const failure = this.#project.failure(`pull ${table} from`, error, status);
      if (column === RECEIVED && lacksColumn(failure)) {
        learned.set(table, { column: EDITED, counted: false });
        return await this.page(table, cursor, options);
      }
      throw failure;
    }
    const key = this.#keyOf(table);
    const rows = rowsOf(data, [key, column]);
    if (!rows) throw this.#project.misshapen(`pull ${table} from`);
    const last = rows.at(-1);
    if (!counted) learned.set(table, { column, counted: true });
    const reached = last ? { updatedAt: String(last[column]), id: idOf(last[key]) } : cursor;
    return {
      table,
      rows: recordsOf(rows, { key }),
      cursor: last ? reached : this.#resting(reached),
      more: last !== undefined,
      ...(cursor ? {} : { total: last ? await this.#count(table, { column, signal }) : 0 }),
      ...(counted
        ? {}
        : { unstamped: await this.#count(table, { column, signal, stamped: false }) }),
    };
  }

  #query(
    table: string,
    { column, cursor, rows = MAX_ROWS, signal }: {
      column: string;
      cursor: Cursor | null;
      rows?: number;
      signal: AbortSignal;
    },
  ) {
    const key = this.#keyOf(table);
    let query = this.#project.client.from(table).select("*")
      .eq("system_id", this.#options.systemId).lt(column, END_OF_TIME);
    if (cursor) {
      const { updatedAt, id } = cursor;
      // The index serves this alone; what follows only leaves out what was read of the same moment.
      query = query.gte(column, updatedAt);
      // A resting cursor names a moment, not a row.
      if (id !== "") {
        query = query.or(
          `${column}.gt.${quoted(updatedAt)},` +
            `and(${column}.eq.${quoted(updatedAt)},${key}.gt.${quoted(id)})`,
        );
      }
    }
    return query.order(column).order(key).limit(rows).abortSignal(signal);
  }

  /** How many rows have a stamp to be read by, or none; null where the count takes too long. */
  async #count(
    table: string,
    { column, signal, stamped = true }: { column: string; signal: AbortSignal; stamped?: boolean },
  ): Promise<number | null> {
    const query = this.#project.client.from(table)
      .select("*", { count: "exact", head: true }).eq("system_id", this.#options.systemId);
    const { count } =
      await (stamped
        ? query.lt(column, END_OF_TIME)
        : query.or(`${column}.is.null,${column}.gte.${END_OF_TIME}`)).abortSignal(signal);
    return count;
  }

  #keyOf(table: string): string {
    return this.#options.keys[table] ?? "id";
  }

  /** Where the next read starts: never closer to now than the overlap. */
  #resting(reached: Cursor | null): Cursor | null {
    if (!reached) return null;
    const latestMs = this.#project.serverNow() - OVERLAP_MS;
    return msOf(reached.updatedAt) > latestMs
      ? { updatedAt: instantOf(latestMs), id: "" }
      : reached;
  }
}

function lacksColumn({ code }: RemoteError): boolean {
  return code === "42703" || code === "PGRST204";
}
