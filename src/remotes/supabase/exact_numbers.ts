/**
 * supabase-js parses responses itself and would round numbers beyond 2^53. They pass through it as marked strings: the
 * mark is U+0000, which no text in PostgreSQL can contain.
 * @module
 */
import { exactNumber, parseLossless } from "../../core/mod.ts";

const MARK = "\u0000";

/**
 * JSON with every number that JavaScript cannot represent as a marked string.
 * @throws {SyntaxError} when it is no JSON
 */
export function withMarkedNumbers(text: string): string {
  let marked = false;
  const value = parseLossless(text, (literal) => {
    marked = true;
    return MARK + literal;
  });
  return marked ? JSON.stringify(value) : text;
}

/** A key column's value as a record's id. */
export function idOf(value: unknown): string {
  const text = String(value);
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}

/** The value with its marked strings as numbers that JSON writes exactly. */
export function unmarked(value: unknown): unknown {
  if (typeof value === "string") {
    return value.startsWith(MARK) ? exactNumber(value.slice(MARK.length)) : value;
  }
  if (Array.isArray(value)) return value.map(unmarked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unmarked(each)]));
}
