/**
 * What configuration keys are made of: a default, a meaning and the kind of value. Each kind has one message, which
 * names what is allowed, so that a wrong type and a value out of range read alike.
 * @module
 */
import * as v from "valibot";
import { ipAddress, isTimeZone } from "../core/mod.ts";

type Text = v.GenericSchema<string, string>;

/** A key with its default and its meaning. */
export function withDefault<In, Out>(
  byDefault: NoInfer<In>,
  schema: v.GenericSchema<In, Out>,
  description: string,
): v.OptionalSchema<v.GenericSchema<In, Out>, In> {
  return v.optional(v.pipe(schema, v.description(description)), byDefault);
}

/** A key that is `null` where it is not configured. */
export function orNull<In, Out>(
  schema: v.GenericSchema<In, Out>,
  description: string,
  { secret = false } = {},
): v.OptionalSchema<v.NullableSchema<v.GenericSchema<In, Out>, undefined>, null> {
  const described = v.pipe(schema, v.description(description), v.metadata({ secret }));
  return v.optional(v.nullable(described), null);
}

/** A whole number of `unit`s. */
export function whole(
  min: number,
  max: number,
  { unit = "" } = {},
): v.GenericSchema<number, number> {
  const allowed = `expected a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return v.pipe(
    v.number(allowed),
    v.integer(allowed),
    v.minValue(min, allowed),
    v.maxValue(max, allowed),
  );
}

export function seconds({ max = 86_400 } = {}): v.GenericSchema<number, number> {
  return whole(1, max, { unit: "seconds" });
}

export function days(): v.GenericSchema<number, number> {
  return whole(1, 36_500, { unit: "days" });
}

export function minutes({ max = 1440 } = {}): v.GenericSchema<number, number> {
  const allowed = `expected minutes from 0 to ${max}`;
  return v.pipe(v.number(allowed), v.minValue(0, allowed), v.maxValue(max, allowed));
}

export function trueOrFalse(): v.GenericSchema<boolean, boolean> {
  return v.boolean("expected true or false");
}

export function oneOf<const T extends readonly string[]>(
  values: T,
): v.PicklistSchema<T, string> {
  return v.picklist(values, `expected one of ${values.join(", ")}`);
}

/** Text of one line that is not blank. */
export function line(what: string, { max = 500 } = {}): Text {
  const allowed = `expected ${what}`;
  return v.pipe(
    v.string(allowed),
    v.check((text) => text.trim() !== "" && text.length <= max && isPrintable(text), allowed),
  );
}

/** Text that goes into an HTTP header: a space or a line break in it is a slip of copy and paste. */
export function token(): Text {
  const allowed = "expected letters, digits and signs without spaces or line breaks";
  return v.pipe(v.string(allowed), v.regex(/^[\x21-\x7e]+$/, allowed));
}

/** What a device calls itself: with anything else in it, no device would ever be found to be this one. */
export function serialNumber(): Text {
  const allowed = 'expected a serial number of letters, digits, "-" and "_"';
  return v.pipe(v.string(allowed), v.regex(/^[A-Za-z0-9_-]{1,64}$/, allowed));
}

/** An IP address, in the form in which connections say theirs. */
export function address(): Text {
  const allowed = 'expected an IP address such as "192.168.1.40"';
  return v.pipe(
    v.string(allowed),
    v.check((text) => ipAddress(text) !== undefined, allowed),
    v.transform((text) => ipAddress(text)!),
  );
}

/** A name of the database or of a mode: `zoe_events`, `paper`. */
export function word(what: string): Text {
  const allowed = `expected ${what} of letters, digits and "_", at most 63`;
  return v.pipe(v.string(allowed), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, allowed));
}

export function timeZone(): Text {
  const allowed = 'expected an IANA time zone such as "Europe/Berlin" or "UTC"';
  return v.pipe(v.string(allowed), v.check((text) => text !== "" && isTimeZone(text), allowed));
}

export function timeOfDay(): Text {
  const allowed = 'expected a time of day from "00:00" to "24:00"';
  return v.pipe(v.string(allowed), v.regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, allowed));
}

/** A time of day at which days may begin: play is stored by quarters of an hour. */
export function startOfDay(): Text {
  const allowed = 'expected a quarter of an hour from "00:00" to "12:00", such as "04:00"';
  return v.pipe(v.string(allowed), v.regex(/^((0\d|1[01]):(00|15|30|45)|12:00)$/, allowed));
}

/** An http or https address without user name and password, which would end up in logs. */
export function httpUrl(): Text {
  const allowed = 'expected an address such as "https://example.com/ingest"';
  return v.pipe(
    v.string(allowed),
    v.check((text) => URL.canParse(text), allowed),
    v.check(
      (text) => /^https?:$/.test(new URL(text).protocol),
      "expected an address that begins with http:// or https://",
    ),
    v.check(
      (text) => new URL(text).username === "" && new URL(text).password === "",
      "expected an address without a user name and password in it",
    ),
  );
}

/** The path of an address, without query. */
export function urlPath(): Text {
  const allowed = 'expected a path such as "/api/devices/sync-batch"';
  return v.pipe(v.string(allowed), v.regex(/^(\/[\w.~!$&'()*+,;=:@%-]+)+$/, allowed));
}

/** What a browser sends as `Origin`: scheme, host and port, nothing after them. */
export function origin(): Text {
  const allowed = 'expected an origin such as "http://localhost:5173", without a path';
  return v.pipe(
    v.string(allowed),
    v.check((text) => URL.canParse(text) && new URL(text).origin === text, allowed),
  );
}

/** A host to listen on: a name or an IP address; brackets around an IPv6 address are dropped. */
export function host(): Text {
  const allowed = 'expected a host name or an IP address such as "127.0.0.1", without a port';
  return v.pipe(
    v.string(allowed),
    v.transform((text) => text.replace(/^\[(.*)\]$/, "$1")),
    v.check(isHost, allowed),
  );
}

/** A file of this computer, which SQLite would not take for something else. */
export function file(): Text {
  const allowed = 'expected the path of a file such as "clockblock.db"';
  return v.pipe(
    v.string(allowed),
    v.check(
      (text) =>
        text.trim() !== "" && isPrintable(text) && !/[\\/]$/.test(text) && text !== "." &&
        text !== ".." && !text.startsWith(":") && !/^file:/i.test(text),
      allowed,
    ),
  );
}

function isPrintable(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what it looks for
  return !/[\x00-\x1f\x7f]/.test(text);
}

function isHost(text: string): boolean {
  if (text.includes(":")) return URL.canParse(`http://[${text}]/`);
  return /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/
    .test(text) && URL.canParse(`http://${text}/`);
}
