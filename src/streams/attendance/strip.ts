/**
 * What is never stored: photos, fingerprint and face templates, passwords, PINs. Whatever a device sends goes
 * through here before it reaches the database, the log or a file.
 * @module
 */
import type { Json, JsonObject } from "../../core/mod.ts";

/** Keys of the AiFace protocol whose values are a person's secrets or looks. */
const SECRET_KEY =
  /^(?:image|photo|picture|pic|template|face|palm|fp|tmp|content|password|passwd|pwd|pin|pincode|qrcode|card)$/i;

/** No name, time or state is as long as this; a template or a photo always is. */
export const LONGEST_VALUE = 512;
const LONGEST_RECORD = 4 * 1024;

/** A device's record without secrets and without anything that is too long to be a plain value. */
export function stripRecord(record: Readonly<Record<string, unknown>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(record)) {
    const name = key.trim();
    // An assignment to `__proto__` makes no member.
    if (SECRET_KEY.test(name) || name === "__proto__") continue;
    const plain = strip(value);
    if (plain !== undefined) kept[name] = plain;
  }
  return kept;
}

/** A record as it is stored beside what was read of it. */
export function rawOf(record: Readonly<Record<string, unknown>>): string {
  const raw = JSON.stringify(stripRecord(record));
  // No device has so much to say of a punch.
  return raw.length <= LONGEST_RECORD
    ? raw
    : JSON.stringify({ removed: `${raw.length} characters` });
}

function strip(value: unknown): Json | undefined {
  if (typeof value === "string") return value.length <= LONGEST_VALUE ? value : undefined;
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => strip(item) ?? null);
  if (typeof value === "object") return stripRecord(value as Record<string, unknown>);
  return undefined;
}

/** `TMP=…`, `Passwd=…`: fields of the iclock protocol, each up to the next tab. */
const SECRET_FIELD = /\b(TMP|Passwd|Password|Card|Content|Photo|Template|FaceTmp)=[^\t\r\n]*/gi;

/** The same as members of JSON that may be broken: `"image":"…"`, `"record":1234`. */
const SECRET_MEMBER =
  /"\s*(image|photo|picture|pic|template|face|palm|fp|tmp|content|password|passwd|pwd|pin|pincode|qrcode|card|record)\s*"\s*:\s*(?:"[^"]*"?|-?\d[\d.eE+-]*)/gi;

/** Base64 as long as only a template or a photo is. */
const BLOB = /[A-Za-z0-9+/_-]{128,}={0,2}/g;

/** The most that is kept of something nobody understands. */
const LONGEST_RAW = 16 * 1024;

/** Text of any length without secrets, whether it can be parsed or not. */
export function stripSecrets(text: string): string {
  return text
    .replace(SECRET_FIELD, "$1=")
    .replace(SECRET_MEMBER, '"$1":""')
    .replace(BLOB, (run) => `[${run.length} characters removed]`);
}

/** Text that could not be parsed, fit to be kept in the database for a person to look at. */
export function stripText(text: string): string {
  const stripped = stripSecrets(text.slice(0, LONGEST_RAW * 4));
  return stripped.length <= LONGEST_RAW ? stripped : `${stripped.slice(0, LONGEST_RAW)}…`;
}
