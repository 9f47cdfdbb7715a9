/**
 * The lines of iclock tables, read: `ATTLOG` holds punches, `OPERLOG` menu operations, mixed with
 * users and their templates. Pure. A line has as many columns as the firmware likes; only the first two count.
 * @module
 */
import {
  integerOrNull,
  isPersonId,
  type ParseContext,
  type ParsedEvent,
  type ParsedPunch,
  type ParsedUser,
  type Unreadable,
} from "../../storage/parsed.ts";
import { redactText } from "../../storage/redact.ts";

/** `PIN ⇥ YYYY-MM-DD HH:MM:SS ⇥ status ⇥ verify ⇥ work code ⇥ …`; the person is text, never a number. */
export function readAttlog(
  line: string,
  { zone, receivedMs }: ParseContext,
): ParsedPunch | Unreadable {
  const raw = redactText(line);
  const [pin = "", time = "", status, verify] = line.split("\t");
  const personId = pin.trim();
  if (!isPersonId(personId)) return { reason: "no usable PIN", raw };
  const deviceTime = zone.normalise(time);
  if (deviceTime === undefined) return { reason: "no usable time", raw };
  const { at, suspect } = zone.read(deviceTime, receivedMs);
  return {
    personId,
    deviceTime,
    at,
    suspect,
    mode: integerOrNull(verify),
    inOut: integerOrNull(status),
    event: null,
    raw,
  };
}

/** `OPLOG <op> ⇥ <admin> ⇥ <time> ⇥ …` is an event; anything else is none. */
export function readOperlog(line: string, { zone }: ParseContext): ParsedEvent | undefined {
  const [op = "", admin = "", time = ""] = line.trim().split("\t");
  const operation = /^OPLOG\s+(\d{1,6})$/i.exec(op)?.[1];
  if (operation === undefined) return undefined;
  return {
    kind: "oplog",
    personId: admin.trim().slice(0, 64),
    deviceTime: zone.normalise(time) ?? "",
    event: Number(operation),
    raw: redactText(line.trim()),
  };
}

/** `USER PIN=7 ⇥ Name=Ann ⇥ Passwd=… ⇥ …`: the id and the name alone; a template or a photo is none. */
export function readUser(line: string): ParsedUser[] {
  const personId = /^\s*(?:USER\s+)?PIN=([^\t]*)/i.exec(line)?.[1]?.trim() ?? "";
  const name = /\tName=([^\t]*)/i.exec(line)?.[1] ?? "";
  return isPersonId(personId) ? [{ personId, name }] : [];
}
