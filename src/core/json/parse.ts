/** `unknown` from outside in, a typed value or a problem that names the field out. @module */
import * as v from "valibot";
import { syntaxErrorAt } from "./syntax_error.ts";
import { parseLossless } from "./lossless_json.ts";
import { Problem } from "../http/problem.ts";

/** A valibot schema of plain values. */
export type Schema<T = unknown> = v.GenericSchema<unknown, T> | v.GenericSchema<never, T>;

/** One thing wrong with a value: where, what came, what is allowed. */
export interface FieldError {
  /** The path to the field, `record.0.time`; empty for the value itself. */
  field: string;
  /** What is allowed there and what came instead. */
  message: string;
}

/** The parsed value, or all its errors. */
export function check<T>(
  schema: Schema<T>,
  value: unknown,
): { value: T } | { errors: FieldError[] } {
  const result = v.safeParse(schema as v.GenericSchema<unknown, T>, value);
  if (result.success) return { value: result.output };
  return {
    errors: result.issues.map((issue) => ({
      field: issue.path?.map((item) => String(item.key)).join(".") ?? "",
      message: wording(issue, schema),
    })),
  };
}

/** The schema's own message; where it has none, a readable form of valibot's. */
function wording(issue: v.BaseIssue<unknown>, schema: Schema): string {
  const { message, expected, received } = issue;
  if (!message.startsWith("Invalid ")) return message;
  if (expected === "never") return `not known here${knownKeys(issue, schema)}`;
  if (received === "undefined") return "missing";
  return `expected ${expected}, got ${
    received.length > 60 ? `${received.slice(0, 60)}…` : received
  }`;
}

/** The names that the schema knows, for an unknown one at its top level. */
function knownKeys(issue: v.BaseIssue<unknown>, schema: Schema): string {
  if (issue.path?.length !== 1 || !("entries" in schema)) return "";
  const keys = Object.keys(schema.entries as object);
  return keys.length > 0 ? `; known: ${keys.join(", ")}` : "";
}

/** Errors that an answer lists. */
const MAX_LISTED_ERRORS = 100;

/**
 * Parses a value.
 * @param where what the value is to the caller: "query parameter", "body"
 * @throws {Problem} 400, naming the first field that is wrong and what is allowed there
 */
export function parse<T>(schema: Schema<T>, value: unknown, where: string): T {
  const result = check(schema, value);
  if ("value" in result) return result.value;
  const [first] = result.errors;
  const subject = first?.field ? `${where} "${first.field}"` : where;
  throw new Problem(400, "Invalid request", {
    detail: `${subject}: ${first?.message}`,
    extra: {
      ...(first?.field ? { parameter: first.field } : {}),
      errors: result.errors.slice(0, MAX_LISTED_ERRORS).map(({ field, message }) => ({
        field,
        message,
      })),
    },
  });
}

/**
 * Parses a JSON text.
 * @param where what the text is to the caller: "body", "line 3"
 * @throws {Problem} 400, with the position at which it stops being JSON
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return parseLossless(text);
  } catch (error) {
    const position = syntaxErrorAt(text);
    const before = text.slice(0, position).split("\n");
    const line = before.length;
    const column = before[line - 1]!.length + 1;
    throw new Problem(400, "Malformed JSON", {
      detail: `${where}: not JSON at line ${line}, column ${column}`,
      extra: { position, line, column },
      cause: error,
    });
  }
}
