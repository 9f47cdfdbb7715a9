/**
 * Rows as PostgREST has them and as records are: values inside a filter, the key column, and the one that is the
 * server's own.
 * @module
 */
import type { Row } from "../../core/mod.ts";

/** A value inside PostgREST's `or=(…)` and `in.(…)`: quoted, so that commas and brackets in an id are text. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The column that a table of records is known by, where it is not `id`. */
export type Keys = Readonly<Record<string, string>>;

/**
 * Rows of a table as records, whose key is called `id` everywhere. When a row came to the server is no part of the
 * record: a push would write it back.
 */
export function records(
  rows: readonly Readonly<Record<string, unknown>>[],
  { key }: { key: string },
): Row[] {
  return rows.map(({ received_at: _, ...row }) => {
    const { [key]: id, ...fields } = row;
    return { ...fields, id: String(id) };
  });
}

/** A record as a row of its table. */
export function rowOf({ id, ...fields }: Row, { key }: { key: string }): Record<string, unknown> {
  return { ...fields, [key]: id };
}
