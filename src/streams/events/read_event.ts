/**
 * Reading one event that came in. The schema decides and explains; a short cut takes what is plainly right,
 * because it costs a tenth, and whatever it hesitates over goes to the schema.
 * @module
 */
import * as v from "valibot";
import {
  check,
  DEEPEST,
  type Flaw,
  type Instant,
  instantOf,
  instantText,
  isTooDeep,
  type Schema,
} from "../../core/mod.ts";
import type { NewEvent } from "./event.ts";
import { isSeverity, SEVERITIES } from "./spelling.ts";

/** The most characters of `source`, `type`, `subtype`, `symbol` and `idempotency_key`. */
const NAME_LENGTH = 200;
/** The most characters of `body`, and of `meta` as JSON. */
const TEXT_LENGTH = 65_536;
/** Before that no event of this program's users happened: a `ts` in seconds or of a dead clock. */
const OLDEST: Instant = "2000-01-01T00:00:00.000Z";
/** How far another program's clock may be ahead. */
const AHEAD_MS = 24 * 3_600_000;
const NUL = "expected text without the character U+0000";

export interface EventRules {
  modes: readonly string[];
  /** Wall-clock time in milliseconds. */
  now(): number;
}

/** An event as a program sends it. */
export interface SentEvent {
  mode: string;
  ts?: Instant | undefined;
  source: string;
  type: string;
  subtype: string;
  symbol?: string | null | undefined;
  severity?: string | undefined;
  body: string;
  meta?: Record<string, unknown> | undefined;
  idempotency_key?: string | null | undefined;
}

export type ReadEvent = (value: unknown) => { event: NewEvent } | { flaws: readonly Flaw[] };

/** What an event may look like, for checks and for the documentation. */
export function eventSchema({ modes, now }: EventRules): Schema<SentEvent> {
  return v.strictObject({
    mode: v.picklist(modes, `expected one of ${modes.join(", ")}`),
    ts: v.optional(v.pipe(
      instantText(),
      v.check(
        (ts) => OLDEST <= ts && ts <= newest(now()),
        "expected a time from the year 2000 to a day from now",
      ),
    )),
    source: name(),
    type: name(),
    subtype: name(),
    symbol: v.optional(v.nullable(name())),
    severity: v.optional(v.picklist(SEVERITIES, `expected one of ${SEVERITIES.join(", ")}`)),
    body: v.pipe(
      v.string("expected text; what has a structure goes into meta"),
      v.maxLength(TEXT_LENGTH, `expected at most ${TEXT_LENGTH} characters`),
      v.check(isWhole, NUL),
    ),
    meta: v.optional(v.pipe(
      objectOf("expected an object"),
      v.check(
        (meta) => JSON.stringify(meta).length <= TEXT_LENGTH,
        `expected at most ${TEXT_LENGTH} characters of JSON`,
      ),
    )),
    idempotency_key: v.optional(v.nullable(name())),
  }, (issue) => issue.expected === "Object" ? "expected an event as a JSON object" : issue.message);
}

/**
 * A JSON object; valibot's own `record` takes a list for one.
 * @param about what the documentation says of it
 */
export function objectOf(
  message: string,
  about: { description?: string; examples?: unknown[] } = {},
): v.GenericSchema<unknown, Record<string, unknown>> {
  return v.pipe(
    v.unknown(),
    v.check(isObject, message),
    v.check((value) => !isTooDeep(value), `expected at most ${DEEPEST} levels`),
    v.metadata({ type: "object", additionalProperties: true, ...about }),
    // Checked just now.
    v.transform((value) => value as Record<string, unknown>),
  );
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A function that reads events by these rules. */
export function eventReader(rules: EventRules): ReadEvent {
  const schema = eventSchema(rules);
  const modes = new Set(rules.modes);
  let latest: Instant = "";
  let latestAsOf = -Infinity;
  return (value) => {
    const now = rules.now();
    // A text compares faster than a date parses; it is made anew once a second.
    if (Math.abs(now - latestAsOf) > 1_000) {
      latest = newest(now);
      latestAsOf = now;
    }
    const event = plain(value, modes, latest);
    if (event) return { event };
    const result = check(schema, value);
    if ("flaws" in result) return result;
    const { mode, ts = null, source, type, subtype, symbol = null } = result.value;
    const { severity = "info", body, meta = {}, idempotency_key = null } = result.value;
    return {
      event: {
        id: null,
        mode,
        ts,
        source,
        type,
        subtype,
        symbol,
        severity,
        body,
        metaJson: JSON.stringify(meta),
        idempotencyKey: idempotency_key,
      },
    };
  };
}

const FIELDS: ReadonlySet<string> = new Set([
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
  const key = (value as Record<string, unknown>).idempotency_key ?? null;
  if (
    !modes.has(mode) || !isName(source) || !isName(type) || !isName(subtype) ||
    !isSeverity(severity) || typeof body !== "string" || body.length > TEXT_LENGTH ||
    !isWhole(body) ||
    (symbol !== null && !isName(symbol)) || (key !== null && !isName(key))
  ) return undefined;
  if (ts !== null) {
    if (typeof ts !== "string" || ts.length !== 24 || !PLAIN_INSTANT.test(ts)) return undefined;
    if (ts < OLDEST || ts > latest) return undefined;
  } else if ("ts" in value) return undefined;
  if (meta !== undefined && (!isObject(meta) || isTooDeep(meta))) return undefined;
  const metaJson = meta === undefined ? "{}" : JSON.stringify(meta);
  if (metaJson.length > TEXT_LENGTH) return undefined;
  return {
    id: null,
    // Looked up in the sets of the allowed ones just now.
    mode: mode as string,
    ts,
    source,
    type,
    subtype,
    symbol,
    severity: severity as string,
    body,
    metaJson,
    idempotencyKey: key,
  };
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH &&
    isWhole(value);
}

/** SQLite's own text ends at the first NUL. */
function isWhole(text: string): boolean {
  return !text.includes("\0");
}

function name() {
  const message = `expected text of 1 to ${NAME_LENGTH} characters`;
  return v.pipe(
    v.string(message),
    v.minLength(1, message),
    v.maxLength(NAME_LENGTH, message),
    v.check(isWhole, NUL),
  );
}

function newest(nowMs: number): Instant {
  return instantOf(nowMs + AHEAD_MS);
}
