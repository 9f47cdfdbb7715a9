/**
 * What is never stored: photos, fingerprint and face templates, passwords, PINs. Everything a device sends
 * is redacted before it reaches the database or the log.
 * @module
 */
import type { Json, JsonObject } from "../../../core/mod.ts";

/** Part of a name whose value is a person's secret or looks, in whatever way firmware writes it: `cardno`, `FaceTmp`. */
export const SECRET =
  "image|photo|picture|template|tmp|passwd|password|passcode|pwd|pincode|qrcode|card";

/** Keys of the AiFace protocol with such values. */
const SECRET_KEY = new RegExp(`${SECRET}|^(?:pic|face|palm|fp|content|pin)$`, "i");

/** No name, time or state is as long as this; a template or a photo always is. */
export const MAX_VALUE_CHARS = 512;
const MAX_RECORD_CHARS = 4 * 1024;

/** A device's record without secrets and without anything that is too long to be a plain value. */
export function redactRecord(record: Readonly<Record<string, unknown>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(record)) {
    const name = key.trim();
    // An assignment to `__proto__` makes no member.
    if (SECRET_KEY.test(name) || name === "__proto__") continue;
    const plain = redact(value);
    if (plain !== undefined) kept[name] = plain;
  }
  return kept;
}

/** A record as it is stored beside what was read of it. */
export function rawOf(record: Readonly<Record<string, unknown>>): string {
  const raw = JSON.stringify(redactRecord(record));
  // No device sends this much about a punch.
  return raw.length <= MAX_RECORD_CHARS
    ? raw
    : JSON.stringify({ removed: `${raw.length} characters` });
}

function redact(value: unknown): Json | undefined {
  if (typeof value === "string") return value.length <= MAX_VALUE_CHARS ? value : undefined;
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => redact(item) ?? null);
  if (typeof value === "object") return redactRecord(value as Record<string, unknown>);
  return undefined;
}

/** `TMP=…`, `Passwd=…`: fields of the iclock protocol, each up to the next tab. The PIN there is the person. */
const SECRET_FIELD = new RegExp(
  `(?<!\\w)(\\w{0,32}(?:${SECRET})\\w{0,32}|Content)=[^\\t\\r\\n]*`,
  "gi",
);

/** The same as members of JSON that may be broken: `"image":"…"`, `"record":1234`. */
const SECRET_MEMBER = new RegExp(
  `"\\s*(\\w{0,32}(?:${SECRET})\\w{0,32}|pic|face|palm|fp|content|pin|record)\\s*"\\s*:\\s*` +
    `(?:"[^"]*"?|-?\\d[\\d.eE+-]*)`,
  "gi",
);

/** Base64 as long as only a template or a photo is. */
const BLOB = /[A-Za-z0-9+/_-]{128,}={0,2}/g;

/** Kept of text that could not be parsed. */
const MAX_RAW_CHARS = 16 * 1024;

/** Text of any length without secrets, whether it can be parsed or not. */
export function redactSecrets(text: string): string {
  return text
    .replace(SECRET_FIELD, "$1=")
    .replace(SECRET_MEMBER, '"$1":""')
    .replace(BLOB, (run) => `[${run.length} characters removed]`);
}

/** Text that could not be parsed, fit to be kept in the database for a person to look at. */
export function redactText(text: string): string {
  const stripped = redactSecrets(text.slice(0, MAX_RAW_CHARS * 4));
  return stripped.length <= MAX_RAW_CHARS ? stripped : `${stripped.slice(0, MAX_RAW_CHARS)}…`;
}
