/**
 * What an event may look like when it comes in: for checks, for their words, and for the documentation.
 * @module
 */
import * as v from "valibot";
import {
  type Id,
  type Instant,
  instantOf,
  isJsonObject,
  isTooDeep,
  MAX_DEPTH,
  parseLossless,
  type Schema,
} from "../../../core/mod.ts";
import { instantOfText, isSeverity, SEVERITIES, SEVERITY_NAMES, severityOf } from "../notation.ts";

/** The most characters of `source`, `type`, `subtype`, `symbol` and `idempotency_key`. */
export const MAX_NAME_LENGTH = 200;
/** The most characters of `body`, and of `meta` as JSON. */
export const MAX_TEXT_LENGTH = 65_536;
/** Before that no event of this program's users happened: a `ts` in seconds or of a dead clock. */
export const OLDEST: Instant = "2000-01-01T00:00:00.000Z";
/** How far another program's clock may be ahead. */
const AHEAD_MS = 24 * 3_600_000;
const NUL = "expected text without the character U+0000";
const HALF = "expected text without half a surrogate pair";
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

export interface EventRules {
  modes: readonly string[];
  /** Wall-clock time in milliseconds. */
  now(): number;
}

/** An event as a program sends it. */
export interface SentEvent {
  id?: Id | null | undefined;
  mode: string;
  ts?: Instant | undefined;
  source: string;
  type: string;
  subtype: string;
  symbol?: string | null | undefined;
  severity?: string | undefined;
  body: string;
  meta?: Record<string, unknown> | null | undefined;
  meta_json?: Record<string, unknown> | null | undefined;
  idempotency_key?: string | null | undefined;
}

/** What an event may look like, for checks and for the documentation. */
export function eventSchema({ modes, now }: EventRules): Schema<SentEvent> {
  const fields = v.strictObject({
    id: v.optional(v.nullable(uuid())),
    mode: v.picklist(modes, `expected one of ${modes.join(", ")}`),
    ts: v.optional(v.pipe(
      time(),
      v.check(
        (ts) => OLDEST <= ts && ts <= newest(now()),
        "expected a time from the year 2000 to a day from now",
      ),
    )),
    source: name(),
    type: name(),
    subtype: name(),
    symbol: v.optional(v.nullable(name())),
    severity: v.optional(severity()),
    body: v.pipe(
      v.string("expected text; what has a structure goes into meta"),
      v.maxLength(MAX_TEXT_LENGTH, `expected at most ${MAX_TEXT_LENGTH} characters`),
      v.check(isWhole, NUL),
    ),
    meta: v.optional(v.nullable(v.pipe(objectOf("expected an object"), shortJson()))),
    meta_json: v.optional(v.nullable(v.pipe(
      v.unknown(),
      v.check((value) => objectIn(value) !== undefined, "expected an object, or the JSON of one"),
      v.metadata({
        type: ["object", "string"],
        description: "instead of meta: an object, or the JSON text of one",
      }),
      v.transform((value) => objectIn(value) ?? {}),
      v.check((value) => !isTooDeep(value), `expected at most ${MAX_DEPTH} levels`),
      shortJson(),
    ))),
    idempotency_key: v.optional(v.nullable(name())),
  }, (issue) => issue.expected === "Object" ? "expected an event as a JSON object" : issue.message);
  return v.pipe(
    fields,
    v.forward(
      v.check(({ meta, meta_json }) => !meta || !meta_json, "expected meta or meta_json, not both"),
      ["meta_json"],
    ),
  );
}

/**
 * A JSON object; valibot's own `record` takes a list for one.
 * @param about its text in the documentation
 */
export function objectOf(
  message: string,
  about: { description?: string; examples?: unknown[] } = {},
): v.GenericSchema<unknown, Record<string, unknown>> {
  return v.pipe(
    v.unknown(),
    v.check(isJsonObject, message),
    v.check((value) => !isTooDeep(value), `expected at most ${MAX_DEPTH} levels`),
    v.metadata({ type: "object", additionalProperties: true, ...about }),
    // Checked just now.
    v.transform((value) => value as Record<string, unknown>),
  );
}

/** The value itself, or its JSON text parsed, when that is an object. */
function objectIn(value: unknown): Record<string, unknown> | undefined {
  let object = value;
  if (typeof value === "string" && value.length <= MAX_TEXT_LENGTH) {
    try {
      object = parseLossless(value);
    } catch {
      return undefined;
    }
  }
  // Checked just now.
  return isJsonObject(object) ? object as Record<string, unknown> : undefined;
}

export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME_LENGTH &&
    isWhole(value) && value.isWellFormed();
}

export function isUuid(value: unknown): value is Id {
  return typeof value === "string" && UUID.test(value);
}

/** SQLite's own text ends at the first NUL. */
export function isWhole(text: string): boolean {
  return !text.includes("\0");
}

function name() {
  const message = `expected text of 1 to ${MAX_NAME_LENGTH} characters`;
  return v.pipe(
    v.string(message),
    v.minLength(1, message),
    v.maxLength(MAX_NAME_LENGTH, message),
    v.check(isWhole, NUL),
    // SQLite's text is UTF-8, which has no way to write it: different keys would become one.
    v.check((text) => text.isWellFormed(), HALF),
  );
}

function uuid() {
  const message = "expected a UUID such as 0198c7e0-5a3b-7c1d-9e2f-1a2b3c4d5e6f";
  return v.pipe(
    v.string(message),
    v.check((text) => UUID.test(text), message),
    v.metadata({ format: "uuid", description: "the event's own id; one is made otherwise" }),
    v.transform((text) => text.toLowerCase()),
  );
}

function time() {
  const message = "expected a time as 2026-03-02T12:00:00.000Z";
  return v.pipe(
    v.string(message),
    v.check((text) => instantOfText(text) !== undefined, message),
    v.metadata({ description: "when it happened (ISO 8601; without a zone: UTC); default: now" }),
    // Checked just now.
    v.transform((text) => instantOfText(text) as Instant),
  );
}

function severity() {
  const message = `expected one of ${SEVERITIES.join(", ")}`;
  const others = SEVERITY_NAMES.filter((name) => !isSeverity(name)).join(", ");
  return v.pipe(
    v.string(message),
    v.check((text) => severityOf(text) !== undefined, message),
    v.metadata({
      description: `one of ${SEVERITIES.join(", ")}, in any case; also ${others}. Default: info`,
    }),
    // Checked just now.
    v.transform((text) => severityOf(text) as string),
  );
}

function shortJson() {
  return v.check(
    (meta: Record<string, unknown>) => JSON.stringify(meta).length <= MAX_TEXT_LENGTH,
    `expected at most ${MAX_TEXT_LENGTH} characters of JSON`,
  );
}

/** The latest time that an event may have. */
export function newest(nowMs: number): Instant {
  return instantOf(nowMs + AHEAD_MS);
}
