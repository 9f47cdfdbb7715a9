/** Parsed records of a device: the same for every protocol. @module */
import type { Instant } from "../../../core/mod.ts";
import type { DirectionSource } from "../sheets/direction.ts";
import type { StatusSender } from "../sheets/statuses.ts";
import type { WallTime, Zone } from "./time.ts";

/** The device that records come from, as far as storing them needs it. */
export interface RecordSource extends DirectionSource, StatusSender {
  readonly sn: string;
  readonly zone: Zone;
  readonly skewMs: number | null;
  /** Zone in which the stored punches were read so far; null without punches. */
  readZone: string | null;
}

/** A person was recognised by finger, face or card. */
export interface ParsedPunch {
  /** As the device knows the person: text, because leading zeros count and numbers may exceed 2^53. */
  personId: string;
  deviceTime: WallTime;
  at: Instant;
  suspect: boolean;
  /** How the person was recognised, in the device's own numbers. */
  mode: number | null;
  /** The key or reader, in the device's own numbers: not a reliable in or out. */
  inOut: number | null;
  event: number | null;
  /** The record as it came, without photos and secrets. */
  raw: string;
}

/** An event that is no punch: a door, an unknown face, a menu operation. */
export interface ParsedEvent {
  kind: string;
  personId: string;
  /** Empty when the device sent none. */
  deviceTime: WallTime | "";
  event: number | null;
  raw: string;
}

export interface ParsedUser {
  personId: string;
  name: string;
}

export interface Unreadable {
  reason: string;
  raw: string;
}

export interface ParsedRecords {
  punches: ParsedPunch[];
  events: ParsedEvent[];
  users: ParsedUser[];
  unreadable: Unreadable[];
}

export interface ParseContext {
  zone: Zone;
  receivedMs: number;
}

/** An id that identifies a person on every device: no blanks or control characters, not endless. */
export function isPersonId(text: string): boolean {
  return /^[^\s\p{C}]{1,64}$/u.test(text);
}

/** A whole number that may come as text; anything else is only in the raw record. */
export function integerOrNull(value: unknown): number | null {
  const number = typeof value === "string" && /^\s*-?\d{1,15}\s*$/.test(value)
    ? Number(value)
    : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : null;
}
