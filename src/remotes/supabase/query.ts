/**
 * What reading rows of PostgREST has in common: values inside a filter, and the column that is the server's own.
 * @module
 */
import type { Row } from "../../core/mod.ts";

/** A value inside PostgREST's `or=(…)` and `in.(…)`: quoted, so that commas and brackets in an id are text. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** When a row came to the server is no part of the record: a push would write it back. */
export function withoutReceived(rows: readonly Row[]): Row[] {
  return rows.map(({ received_at: _, ...row }) => row as Row);
}
