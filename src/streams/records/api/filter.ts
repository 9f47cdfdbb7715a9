/** `GET /records/{table}?field=value`: compares the values of fields as text. @module */
import { type Json, parseLossless, Problem } from "../../../core/mod.ts";

/** Required text by field. */
export type Filter = ReadonlyMap<string, string>;

/** Fields that a request may compare. */
const MAX_FILTERS = 20;

/**
 * The fields of a query: all names that are no known parameter.
 * @throws {Problem} 400
 */
export function filterOf({ url }: Request, known: readonly string[]): Filter {
  const at = url.indexOf("?");
  const filter = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(at < 0 ? "" : url.slice(at))) {
    // Pages that poll add `_` to get past caches.
    if (name === "_" || known.includes(name)) continue;
    if (name === "" || name.length > 63) {
      throw refusal(name.slice(0, 63), "expected a field's name of 1 to 63 characters");
    }
    filter.set(name, value);
  }
  if (filter.size > MAX_FILTERS) throw refusal("", `expected at most ${MAX_FILTERS} fields`);
  return filter;
}

/**
 * Whether a record has all of these values.
 * @param data the JSON text of the table's own fields
 * @param managed the fields that every record has
 */
export function matches(
  filter: Filter,
  { data, managed }: { data: string; managed: Readonly<Record<string, Json>> },
): boolean {
  const own: [name: string, text: string][] = [];
  for (const [name, text] of filter) {
    if (!Object.hasOwn(managed, name)) own.push([name, text]);
    else if (textOf(managed[name]) !== text) return false;
  }
  // Parsing takes ten times as long as finding that a text does not occur.
  if (own.length === 0 || !own.every(([, text]) => mayHave(data, text))) return own.length === 0;
  const fields = parseLossless(data) as Readonly<Record<string, Json>>;
  return own.every(([name, text]) =>
    textOf(Object.hasOwn(fields, name) ? fields[name] : null) === text
  );
}

/** A string as it is, anything else as JSON; a missing field is null. */
function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** Whether a JSON text, written by `JSON.stringify`, may have a value with this text. */
function mayHave(data: string, text: string): boolean {
  return text === "null" || data.includes(text) ||
    data.includes(JSON.stringify(text).slice(1, -1));
}

function refusal(parameter: string, message: string): Problem {
  return new Problem(400, "Invalid request", {
    detail: `query parameter "${parameter}": ${message}`,
    extra: { parameter },
  });
}
