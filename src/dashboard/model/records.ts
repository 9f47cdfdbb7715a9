/** A record's fields as a form has them, each with its type, and back. @module */
import { isExactNumber, parseExactJson } from "./json.ts";

/** A record of any table: the fields that each has, and its own. */
export type RecordRow = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly updated_at: string;
  readonly deleted_at: string | null;
};

/** The fields that every record has. */
const MANAGED = ["id", "system_id", "updated_at", "deleted_at"];

export const TYPES = ["text", "number", "yes/no", "JSON", "nothing"] as const;
export type FieldType = (typeof TYPES)[number];

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly text: string;
  /** Whether a person adds it, and gives it its name. */
  readonly added?: boolean;
}

/** What is wrong with a field, for the person who typed it. */
export class FormError extends Error {
  override readonly name = "FormError";
}

/** The names of a table's own fields, those that most records have first. */
export function ownNames(records: readonly Readonly<Record<string, unknown>>[]): string[] {
  const counts = new Map<string, number>();
  for (const record of records) {
    for (const name of Object.keys(record)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of MANAGED) counts.delete(name);
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
}

/** A value in a line. */
export function valueText(value: unknown): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function fieldOf(name: string, value: unknown): Field {
  const type = typeOf(value);
  const text = type === "nothing" ? "" : typeof value === "string" ? value : JSON.stringify(
    value,
    null,
    type === "JSON" ? 2 : 0,
  );
  return { name, type, text };
}

export function typeOf(value: unknown): FieldType {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "yes/no";
  return typeof value === "number" || isExactNumber(value) ? "number" : "JSON";
}

/** @throws {FormError} */
export function valueOf({ name, type, text }: Field): unknown {
  switch (type) {
    case "text":
      return text;
    case "yes/no":
      return text === "true";
    case "nothing":
      return null;
    case "number":
      if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text.trim())) return parseExactJson(text);
      throw new FormError(`${name}: a number is written as 12, -0.5 or 1e6`);
    case "JSON":
      try {
        return parseExactJson(text);
      } catch {
        throw new FormError(`${name}: this is not JSON, such as [1, 2] or {"a": true}`);
      }
  }
}

/**
 * The fields that differ from a record's, or all for a new one.
 * @throws {FormError}
 */
export function changedFields(
  fields: readonly Field[],
  record: RecordRow | null,
): Record<string, unknown> {
  const names = fields.map(({ name }) => name);
  for (const name of names) {
    if (name === "" || name.length > 63 || MANAGED.includes(name) || name === "__proto__") {
      throw new FormError(`"${name}" cannot be a field's name`);
    }
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new FormError(`There are two fields named ${name}`);
    }
  }
  const values = fields.map((field) => [field.name, valueOf(field)] as const);
  return Object.fromEntries(
    values.filter(([name, value]) =>
      !record || JSON.stringify(value) !== JSON.stringify(record[name])
    ),
  );
}
