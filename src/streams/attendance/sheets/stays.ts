/**
 * From entries and exits to stays:
 *
 *     in ───── out      in ──── in ──── out      out            in ───…
 *     a stay            no exit  a stay          no entry       inside, or no exit
 *
 * @module
 */
import { type Direction, REPEAT_MS, type StayLimit } from "./direction.ts";

/** A punch whose direction is known. */
export interface DirectedPunch {
  atMs: number;
  direction: Direction;
}

/** A time inside; without `out` the exit is missing or has not come yet, without `in` the entry is missing. */
export type Stay<P> = { in: P; out: P | null } | { in: null; out: P };

/** The stays of one person, whose punches are in the order of time. A second tap counts as one with the first. */
export function staysOf<P extends DirectedPunch>(
  punches: readonly P[],
  { maxStayMs }: StayLimit,
): Stay<P>[] {
  const stays: Stay<P>[] = [];
  let entry: P | null = null;
  let before: P | undefined;
  for (const punch of punches) {
    const repeats = before?.direction === punch.direction &&
      punch.atMs - before.atMs <= REPEAT_MS;
    before = punch;
    if (repeats) continue;
    if (punch.direction === "out" && entry && punch.atMs - entry.atMs <= maxStayMs) {
      stays.push({ in: entry, out: punch });
      entry = null;
      continue;
    }
    if (entry) stays.push({ in: entry, out: null });
    entry = punch.direction === "in" ? punch : null;
    if (!entry) stays.push({ in: null, out: punch });
  }
  if (entry) stays.push({ in: entry, out: null });
  return stays;
}

/** The entry of a person who is inside at a moment; undefined for one who is not. */
export function insideSince<P extends DirectedPunch>(
  stays: readonly Stay<P>[],
  { nowMs, maxStayMs }: StayLimit & { nowMs: number },
): P | undefined {
  const last = stays.at(-1);
  if (!last?.in || last.out || nowMs - last.in.atMs > maxStayMs) return undefined;
  return last.in;
}
