/** A machine's records as the cloud has them, to be read: they are edited at the machine, or in an app of one's own. @module */
import type { SupabaseClient } from "@supabase/supabase-js";
import type { RecordRow } from "../model/records.ts";
import { isRefusal } from "./source.ts";
import { rows } from "./supabase.ts";

/** Those of the schema. */
const TABLES: Readonly<Record<string, string>> = { projects: "id", tasks: "id", results: "id" };
/** The newest of a table; a phone is no place to look through more. */
const MAX_RECORDS = 1_000;

export interface CloudRecords {
  /** Name → its newest records. A table that the project does not have is left out. */
  newest(options?: { signal?: AbortSignal }): Promise<ReadonlyMap<string, readonly RecordRow[]>>;
}

/** @param options `tables`: name → the column of its ids */
export function cloudRecords(
  client: SupabaseClient,
  { systemId, tables = TABLES }: {
    systemId: string;
    tables?: Readonly<Record<string, string>> | undefined;
  },
): CloudRecords {
  const newestOf = async (table: string, key: string, signal?: AbortSignal) => {
    const query = client.from(table).select().eq("system_id", systemId).is("deleted_at", null)
      .order("updated_at", { ascending: false }).limit(MAX_RECORDS);
    const found = await rows<Record<string, unknown>>(query, signal);
    return found.map(({ received_at: _, ...row }) =>
      ({ ...row, id: String(row[key]) }) as unknown as RecordRow
    );
  };
  return {
    async newest({ signal } = {}) {
      const read = await Promise.all(
        Object.entries(tables).map(async ([table, key]) => {
          try {
            return [[table, await newestOf(table, key, signal)] as const];
          } catch (error) {
            if (isRefusal(error) && error.status === 404) return [];
            throw error;
          }
        }),
      );
      return new Map(read.flat());
    },
  };
}
