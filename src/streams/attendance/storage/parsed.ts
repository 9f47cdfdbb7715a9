/**
 * What a device says, in the words of this stream: the same for every protocol.
 * @module
 */
import type { Instant } from "../../../core/mod.ts";
import type { WallTime, Zone } from "./time.ts";

/** The device that records come from, as far as storing them needs it. */
export interface RecordSource {
  readonly sn: string;
  readonly zone: Zone;
  readonly skewMs: number | null;
  /** Zone in which the stored punches were read so far; null without punches. */
  readZone: string | null;
}

/** A person put a finger, a face or a card to a device. */
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

/** Something that is no person's punch: a door, a stranger, a menu operation. */
export interface ParsedEvent {
  kind: string;
  personId: string;
  /** Empty when the device told none. */
  deviceTime: WallTime | "";
  event: number | null;
  raw: string;
}

/** A record that makes no sense. */
export interface Unreadable {
  reason: string;
  raw: string;
}

export interface ParsedRecords {
  punches: ParsedPunch[];
  events: ParsedEvent[];
  unreadable: Unreadable[];
}

/** What reading a record needs besides its text. */
export interface ParseContext {
  zone: Zone;
  receivedMs: number;
}

/** An id that identifies a person on every device: no blanks or control characters, not endless. */
export function isPersonId(text: string): boolean {
  return /^[^\s\p{C}]{1,64}$/u.test(text);
}

/** A whole number that may come as text; anything else is only in the raw record. */
export function wholeNumber(value: unknown): number | null {
  const number = typeof value === "string" && /^\s*-?\d{1,15}\s*$/.test(value)
    ? Number(value)
    : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : null;
}
