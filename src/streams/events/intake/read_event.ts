/**
 * Reading one event that came in. The schema decides and explains; a short cut takes what is plainly right,
 * because it costs a tenth, and whatever it hesitates over goes to the schema.
 * @module
 */
import {
  check,
  type FieldError,
  type Instant,
  isJsonObject,
  isTooDeep,
} from "../../../core/mod.ts";
import type { NewEvent } from "../event.ts";
import {
  type EventRules,
  eventSchema,
  isName,
  isUuid,
  isWhole,
  MAX_TEXT_LENGTH,
  newest,
  OLDEST,
} from "./event_schema.ts";
import { isSeverity } from "../notation.ts";

export type ReadEvent = (value: unknown) => { event: NewEvent } | { errors: readonly FieldError[] };

/** A function that reads events by these rules. */
export function eventReader(rules: EventRules): ReadEvent {
  const schema = eventSchema(rules);
  const modes = new Set(rules.modes);
  let latest: Instant = "";
  let latestAsOf = -Infinity;
  return (value) => {
    const now = rules.now();
    // A text compares faster than a date parses; it is made again once a second.
    if (Math.abs(now - latestAsOf) > 1_000) {
      latest = newest(now);
      latestAsOf = now;
    }
    const event = plain(value, modes, latest);
    if (event) return { event };
    const result = check(schema, value);
    if ("errors" in result) return result;
    const { id = null, mode, ts = null, source, type, subtype, symbol = null } = result.value;
    const { severity = "info", body, meta, meta_json, idempotency_key = null } = result.value;
    return {
      event: {
        id,
        mode,
        ts,
        source,
        type,
        subtype,
        symbol,
        severity,
        body: body.toWellFormed(),
        meta_json: JSON.stringify(meta ?? meta_json ?? {}),
        idempotency_key,
      },
    };
  };
}

/** Those that the short cut takes. */
const FIELDS: ReadonlySet<string> = new Set([
  "id",
  "mode",
  "ts",
  "source",
  "type",
  "subtype",
  "symbol",
  "severity",
  "body",
  "meta",
  "idempotency_key",
]);
/** An instant as we write it, on a day that every month has. */
const PLAIN_INSTANT =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The event, when nothing about it needs a second look. */
function plain(
  value: unknown,
  modes: ReadonlySet<unknown>,
  latest: Instant,
): NewEvent | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const key in value) if (!FIELDS.has(key)) return undefined;
  const { mode, ts = null, source, type, subtype, symbol = null, severity = "info", body, meta } =
    value as Record<string, unknown>;
  const { id = null, idempotency_key: key = null } = value as Record<string, unknown>;
  if (
    !modes.has(mode) || !isName(source) || !isName(type) || !isName(subtype) ||
    !isSeverity(severity) || typeof body !== "string" || body.length > MAX_TEXT_LENGTH ||
    !isWhole(body) || (id !== null && !isUuid(id)) ||
    (symbol !== null && !isName(symbol)) || (key !== null && !isName(key))
  ) return undefined;
  if (ts !== null) {
    if (typeof ts !== "string" || ts.length !== 24 || !PLAIN_INSTANT.test(ts)) return undefined;
    if (ts < OLDEST || ts > latest) return undefined;
  } else if ("ts" in value) return undefined;
  if (meta !== undefined && (!isJsonObject(meta) || isTooDeep(meta))) return undefined;
  const meta_json = meta === undefined ? "{}" : JSON.stringify(meta);
  if (meta_json.length > MAX_TEXT_LENGTH) return undefined;
  return {
    id: id && id.toLowerCase(),
    // Looked up in the sets of the allowed ones just now.
    mode: mode as string,
    ts,
    source,
    type,
    subtype,
    symbol,
    severity: severity as string,
    // SQLite would replace half a surrogate pair as well.
    body: body.toWellFormed(),
    meta_json,
    idempotency_key: key,
  };
}
