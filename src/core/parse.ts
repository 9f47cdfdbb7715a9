/**
 * Reading what comes from outside: `unknown` in, a typed value or a problem that names the field out.
 * @module
 */
import * as v from "valibot";
import { Problem } from "./problem.ts";

/** A valibot schema of plain values. */
export type Schema<T = unknown> = v.GenericSchema<unknown, T> | v.GenericSchema<never, T>;

/** One thing wrong with a value: where, what came, what is allowed. */
export interface Flaw {
  /** The path to the field, `record.0.time`; empty for the value itself. */
  field: string;
  /** What is allowed there and what came instead. */
  message: string;
}

/** The value as the schema has it, or every flaw it has. */
export function check<T>(schema: Schema<T>, value: unknown): { value: T } | { flaws: Flaw[] } {
  const result = v.safeParse(schema as v.GenericSchema<unknown, T>, value);
  if (result.success) return { value: result.output };
  return {
    flaws: result.issues.map((issue) => ({
      field: issue.path?.map((item) => String(item.key)).join(".") ?? "",
      message: issue.message,
    })),
  };
}

/**
 * The value as the schema has it.
 * @param where what the value is to the caller: "query parameter", "body"
 * @throws {Problem} 400, naming the first field that is wrong and what is allowed there
 */
export function parse<T>(schema: Schema<T>, value: unknown, where: string): T {
  const result = check(schema, value);
  if ("value" in result) return result.value;
  const [first] = result.flaws;
  const subject = first?.field ? `${where} "${first.field}"` : where;
  throw new Problem(400, "Invalid request", {
    detail: `${subject}: ${first?.message}`,
    extra: {
      ...(first?.field ? { parameter: first.field } : {}),
      errors: result.flaws.map(({ field, message }) => ({ field, message })),
    },
  });
}
