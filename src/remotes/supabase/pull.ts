/**
 * Rows of this system that are new since the cursor, in pages. Read by `received_at`, when a row came to the
 * server, where the table has it (ours do); by `updated_at` otherwise, which misses an edit that was made
 * offline and arrives late.
 *
 * A transaction that began earlier may commit later, with an earlier stamp. So the cursor rests a minute
 * behind the server's clock, and what lies in between is read again:
 *
 *     ──────────●────────────────────●──●────────► received_at
 *          cursor rests here     newest row   server's now
 *               └─ at most 60 s before now ──┘
 *
 * @module
 */
import type { PostgrestError } from "@supabase/supabase-js";
import { type Cursor, instantOf, msOf, type Page } from "../../core/mod.ts";
import type { Connection } from "./connection.ts";
import { type Keys, quoted, records } from "./query.ts";

/** Supabase gives 1000 rows at most, however many are asked for. */
const PAGE_ROWS = 1_000;
/** Longer than a transaction takes. */
const OVERLAP_MS = 60_000;
const RECEIVED = "received_at";
const EDITED = "updated_at";

export class Puller {
  readonly #connection: Connection;
  readonly #systemId: string;
  readonly #keys: Keys;
  readonly #columns = new Map<string, string>();

  constructor(connection: Connection, { systemId, keys }: { systemId: string; keys: Keys }) {
    this.#keys = keys;
    this.#connection = connection;
    this.#systemId = systemId;
  }

  /** @throws {RemoteError} */
  async page(table: string, cursor: Cursor | null, signal: AbortSignal): Promise<Page> {
    const column = this.#columns.get(table) ?? RECEIVED;
    const { data, error, status, count } = await this.#query(table, { column, cursor, signal });
    if (error) {
      if (column === RECEIVED && isMissingColumn(error)) {
        this.#columns.set(table, EDITED);
        return await this.page(table, cursor, signal);
      }
      throw this.#connection.failure(`pull ${table} from`, error, status);
    }
    const rows = records(data, { key: this.#keyOf(table) });
    const more = rows.length >= PAGE_ROWS;
    const reached = data.length > 0
      ? { updatedAt: String(data.at(-1)![column]), id: rows.at(-1)!.id }
      : cursor;
    return {
      table,
      rows,
      cursor: more ? reached : this.#resting(reached),
      more,
      ...(cursor ? {} : { total: count }),
    };
  }

  #query(
    table: string,
    { column, cursor, signal }: { column: string; cursor: Cursor | null; signal: AbortSignal },
  ) {
    // Counted once, for whoever waits for a first reading; `estimated` costs the same at any size.
    const query = this.#connection.client.from(table)
      .select("*", cursor ? {} : { count: "estimated" }).eq("system_id", this.#systemId);
    const key = this.#keyOf(table);
    const after = cursor
      ? query.or(
        `${column}.gt.${quoted(cursor.updatedAt)},` +
          `and(${column}.eq.${quoted(cursor.updatedAt)},${key}.gt.${quoted(cursor.id)})`,
      )
      : query;
    return after.order(column).order(key).limit(PAGE_ROWS).abortSignal(signal);
  }

  #keyOf(table: string): string {
    return this.#keys[table] ?? "id";
  }

  /** Where to go on the next time: never closer to now than the overlap. */
  #resting(reached: Cursor | null): Cursor | null {
    if (!reached) return null;
    const latestMs = this.#connection.serverNow() - OVERLAP_MS;
    return msOf(reached.updatedAt) > latestMs
      ? { updatedAt: instantOf(latestMs), id: "" }
      : reached;
  }
}

function isMissingColumn({ code }: PostgrestError): boolean {
  return code === "42703" || code === "PGRST204";
}
