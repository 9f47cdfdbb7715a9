/**
 * AiFace JSON, decoded: the kind of a message, and its records. Pure; the vendor's examples contradict
 * each other, so that every field but the one that matters may be missing, text instead of a number, or
 * written with trailing blanks.
 * @module
 */
import {
  integerOrNull,
  isPersonId,
  type ParseContext,
  type ParsedEvent,
  type ParsedRecords,
  type ParsedUser,
} from "../../storage/parsed.ts";
import { rawOf, redactText } from "../../storage/redact.ts";
import { isObject } from "../../../../core/mod.ts";
import { FrameScanner } from "./scan.ts";

export type Fields = Readonly<Record<string, unknown>>;

export type AifaceMessage =
  /** The device registers. */
  | { kind: "reg"; sn: string; info: DeviceInfo }
  /** The device sends punches: the groups of the scanned object. */
  | { kind: "sendlog"; sn: string | undefined; count: number | null; logIndex: number }
  /** An answer to one of our commands, or one of its pages. */
  | { kind: "reply"; to: string; sn: string | undefined; result: boolean; fields: Fields }
  /** Any other command of the device. */
  | { kind: "command"; cmd: string; sn: string | undefined; fields: Fields }
  | { kind: "malformed"; reason: string };

/** What a device reports of itself; each part may be missing. */
export interface DeviceInfo {
  model: string | null;
  firmware: string | null;
  mac: string | null;
  /** The device's own time, as it wrote it. */
  time: string | null;
  /** Punches on the device that were not acknowledged. */
  backlog: number | null;
}

/** Ids that are no person's: a door or the system, and an unknown face. */
const NOBODY = new Set(["0", "99999999"]);

/** Commands of ours that bring punches; some firmware answers with `cmd` instead of `ret`. */
export const ASKED_FOR: ReadonlySet<string> = new Set(["getalllog", "getnewlog"]);

export function decodeMessage(head: string): AifaceMessage {
  const parsed = parseJson(head);
  if (!isObject(parsed)) return { kind: "malformed", reason: "not valid JSON" };
  const fields = trimKeys(parsed);
  const cmd = word(fields.cmd);
  const ret = word(fields.ret);
  const sn = textOrNull(fields.sn) ?? undefined;
  if (ret !== undefined || (cmd !== undefined && ASKED_FOR.has(cmd))) {
    const to = ret ?? cmd!;
    return { kind: "reply", to, sn, result: fields.result !== false, fields };
  }
  if (cmd === undefined) return { kind: "malformed", reason: "neither cmd nor ret" };
  if (cmd === "reg") {
    if (sn === undefined) return { kind: "malformed", reason: "reg without a serial number" };
    return { kind: "reg", sn, info: deviceInfo(fields) };
  }
  if (cmd === "sendlog") {
    const count = integerOrNull(fields.count);
    return { kind: "sendlog", sn, count, logIndex: integerOrNull(fields.logindex) ?? 0 };
  }
  return { kind: "command", cmd, sn, fields };
}

/** The record of a message that has one without an array, as some firmware sends it; empty if there is none. */
export function singleRecord(head: string): string {
  const parsed = parseJson(head);
  const record = isObject(parsed) ? trimKeys(parsed).record : undefined;
  return isObject(record) && Object.keys(record).length > 0 ? JSON.stringify(record) : "";
}

/** Parses one group of records; a record that is not JSON does not affect its neighbours. */
export function readRecords(group: string, context: ParseContext): ParsedRecords {
  const readings: ParsedRecords = { punches: [], events: [], users: [], unreadable: [] };
  const records = parseJson(`[${group}]`);
  if (Array.isArray(records)) {
    for (const record of records) readRecord(record, readings, context);
    return readings;
  }
  const scanner = new FrameScanner();
  for (const scanned of scanner.push(new TextEncoder().encode(group))) {
    const text = scanned.kind === "garbage" ? scanned.text : scanned.head;
    const record = parseJson(text);
    if (isObject(record)) readRecord(record, readings, context);
    else readings.unreadable.push({ reason: "not valid JSON", raw: redactText(text) });
  }
  return readings;
}

function readRecord(
  record: unknown,
  readings: ParsedRecords,
  { zone, receivedMs }: ParseContext,
): void {
  const fields = isObject(record) ? trimKeys(record) : {};
  const raw = rawOf(fields);
  const personId = textOrNull(fields.enrollid);
  if (personId === null || !isPersonId(personId)) {
    readings.unreadable.push({ reason: "no usable enrollid", raw });
    return;
  }
  const deviceTime = zone.normalise(textOrNull(fields.time) ?? "");
  if (deviceTime === undefined) {
    readings.unreadable.push({ reason: "no usable time", raw });
    return;
  }
  const event = integerOrNull(fields.event);
  if (NOBODY.has(personId)) {
    readings.events.push({ kind: "nobody", personId, deviceTime, event, raw });
    return;
  }
  const { at, suspect } = zone.read(deviceTime, receivedMs);
  readings.punches.push({
    personId,
    deviceTime,
    at,
    suspect,
    mode: integerOrNull(fields.mode) ?? integerOrNull(fields.verifymode),
    inOut: integerOrNull(fields.inout),
    event,
    raw,
  });
}

/** An unknown command, as an event of the device. */
export function commandEvent(cmd: string, fields: Fields): ParsedEvent {
  return {
    kind: cmd.slice(0, 64),
    personId: textOrNull(fields.enrollid)?.slice(0, 64) ?? "",
    deviceTime: "",
    event: integerOrNull(fields.event),
    raw: rawOf({ ...fields, record: undefined }),
  };
}

/** An id as devices take it: a number where it is one, as the vendor's documents have it. */
export function enrollidOf(personId: string): number | string {
  const number = Number(personId);
  return Number.isSafeInteger(number) && String(number) === personId ? number : personId;
}

/** The user in a message; none where it names no person. */
export function userOf({ enrollid, name }: Fields): ParsedUser[] {
  const personId = textOrNull(enrollid);
  if (personId === null || !isPersonId(personId) || NOBODY.has(personId)) return [];
  return [{ personId, name: textOrNull(name) ?? "" }];
}

export function usersIn(group: string): ParsedUser[] {
  const records = parseJson(`[${group}]`);
  if (!Array.isArray(records)) return [];
  return records.flatMap((record) => isObject(record) ? userOf(trimKeys(record)) : []);
}

function deviceInfo(fields: Fields): DeviceInfo {
  const devinfo = isObject(fields.devinfo) ? trimKeys(fields.devinfo) : {};
  const either = (key: string) => textOrNull(devinfo[key]) ?? textOrNull(fields[key]);
  return {
    model: short(either("modelname")),
    firmware: short(either("firmware")),
    mac: short(either("mac")),
    time: short(either("time")),
    backlog: integerOrNull(devinfo.usednewlog ?? fields.usednewlog),
  };
}

/**
 * JSON, every whole number beyond 2^53 as its text: an id of 18 digits is exact.
 * @returns undefined when it is not JSON
 */
function parseJson(text: string): unknown {
  try {
    if (!/\d{16}/.test(text)) return JSON.parse(text);
    return JSON.parse(text, exactNumber);
  } catch {
    return undefined;
  }
}

// The third argument is in every runtime this is for, and not yet in the types of JSON.parse.
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) &&
      /^-?\d+$/.test(context?.source ?? "")
    ? context?.source
    : value;
}

function trimKeys(fields: Fields): Record<string, unknown> {
  // Without a prototype, so that `__proto__` is a key like any other.
  const trimmed: Record<string, unknown> = Object.create(null);
  for (const key in fields) trimmed[key.trim()] = fields[key];
  return trimmed;
}

function word(value: unknown): string | undefined {
  const text = typeof value === "string" ? value.trim() : "";
  return text === "" ? undefined : text;
}

function textOrNull(value: unknown): string | null {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

/** Text for display, also on terminals: without control characters. */
function short(text: string | null): string | null {
  return text === null ? null : text.replace(/\p{C}/gu, "").slice(0, 128);
}
