/**
 * Whether a punch is an entry or an exit. What says so is asked in this order: the device's role, the status that
 * the device sends, and where neither says anything, the person's punch before:
 *
 *     before   nothing   in, 8 h ago   in, 20 h ago   out    the same person less than a minute ago
 *     this     in        out           in             in     as the one before: a second tap
 *
 * A decision depends on the punch before and on nothing older, so that a punch that comes late changes few others.
 * @module
 */
import type * as v from "valibot";
import type { deviceRole, direction, directionBy } from "../../../contract/attendance.ts";

export type Direction = v.InferOutput<typeof direction>;
export type DirectionBy = v.InferOutput<typeof directionBy>;
/** What a door is for; a device without a role is for both. */
export type DeviceRole = v.InferOutput<typeof deviceRole>;

export interface Decision {
  direction: Direction;
  by: DirectionBy;
}

/** What decides the direction of punches at a device. */
export interface DirectionSource {
  role: DeviceRole | null;
  /** Whether the status it sends means something. */
  sendsStatus: boolean;
}

export interface StayLimit {
  /** Longest stay without a punch: beyond it the exit was forgotten. */
  maxStayMs: number;
}

/** Punches of one person in the same direction within this time are one: a second tap. */
export const REPEAT_MS = 60_000;

/** Statuses of the iclock protocol: check-in, break-in, overtime-in; check-out, break-out, overtime-out. */
const ENTRIES: readonly number[] = [0, 3, 4];
const EXITS: readonly number[] = [1, 2, 5];

/** The bit of a status in a device's set of those it has sent; 0 for one that says nothing, such as 255. */
export function statusBit(status: number | null): number {
  return status !== null && status >= 0 && status <= 5 ? 1 << status : 0;
}

/**
 * Whether a device that has sent these statuses is known to mean them. Firmware without a choice of status sends
 * the same one for ever: iclock any, AiFace 0.
 */
export function meansStatus(protocol: string | null, bits: number): boolean {
  return protocol === "aiface" ? (bits & ~1) !== 0 : (bits & (bits - 1)) !== 0;
}

/** What a punch itself says: by the role of its device, or by its status; undefined where nothing does. */
export function saidDirection(
  { role, sendsStatus }: DirectionSource,
  status: number | null,
): Decision | undefined {
  if (role === "entrance") return { direction: "in", by: "device_role" };
  if (role === "exit") return { direction: "out", by: "device_role" };
  if (!sendsStatus || status === null) return undefined;
  if (ENTRIES.includes(status)) return { direction: "in", by: "status" };
  if (EXITS.includes(status)) return { direction: "out", by: "status" };
  return undefined;
}

/** The direction of a punch that says nothing itself, by the person's punch before. */
export function alternate(
  atMs: number,
  before: { atMs: number; direction: Direction } | undefined,
  { maxStayMs }: StayLimit,
): Decision {
  const gapMs = before ? atMs - before.atMs : Infinity;
  const direction = before && gapMs <= REPEAT_MS
    ? before.direction
    : before?.direction === "in" && gapMs <= maxStayMs
    ? "out"
    : "in";
  return { direction, by: "alternation" };
}
