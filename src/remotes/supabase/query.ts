/** Conversions between PostgREST's rows and records, and values inside a filter. @module */
import type { Row } from "../../core/mod.ts";
import { idOf, unmarked } from "./exact_numbers.ts";

/** A value inside PostgREST's `or=(…)` and `in.(…)`: quoted, so that commas and brackets in an id are text. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The longest list of values that a query has: leaves room for the rest of the address (8 KiB at most proxies). */
const MAX_QUERY_CHARS = 4_000;

/** Values in groups that fit into an `in.(…)` each, quoted. */
export function queryGroups(values: readonly string[]): string[] {
  const groups: string[][] = [];
  let chars = Infinity;
  for (const value of values.map(quoted)) {
    const length = encodeURIComponent(value).length + 3;
    chars += length;
    if (chars <= MAX_QUERY_CHARS) groups.at(-1)!.push(value);
    else {
      groups.push([value]);
      chars = length;
    }
  }
  return groups.map((group) => `(${group.join(",")})`);
}

/** The key column of tables of records, where it is not `id`. */
export type Keys = Readonly<Record<string, string>>;

/** A row as supabase-js gives it. */
export type CloudRow = Readonly<Record<string, unknown>>;

/** The rows of an answer that all have these columns; undefined when it is something else. */
export function rowsOf(data: unknown, columns: readonly string[]): CloudRow[] | undefined {
  const isRow = (row: unknown): row is CloudRow =>
    typeof row === "object" && row !== null &&
    columns.every((column) => (row as CloudRow)[column] !== undefined);
  return Array.isArray(data) && data.every(isRow) ? data : undefined;
}

/**
 * Rows of a table as records, whose key is called `id` everywhere. When a row came to the server is no part of the
 * record: a push would write it back. It stands in for a stamp that the row lacks.
 */
export function recordsOf(rows: readonly CloudRow[], { key }: { key: string }): Row[] {
  return rows.map(({ received_at, ...row }) => {
    const { [key]: id, updated_at, deleted_at, ...fields } = row;
    const edited = isStamp(updated_at) ? updated_at : received_at;
    return {
      ...unmarked(fields) as CloudRow,
      id: idOf(id),
      updated_at: isStamp(edited) ? edited : EPOCH,
      deleted_at: deleted_at === null || isStamp(deleted_at) ? deleted_at : edited,
    };
  });
}

/** A record as a row of its table. */
export function rowOf({ id, ...fields }: Row, { key }: { key: string }): Record<string, unknown> {
  return { ...fields, [key]: id };
}

/** Older than any edit. */
const EPOCH = "1970-01-01T00:00:00.000Z";

/** PostgreSQL also knows `infinity` and years that are no dates here. */
function isStamp(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}
