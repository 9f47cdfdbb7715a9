/**
 * Minutes of play. Stored as fractions, but summed in whole milliseconds: the same heartbeats give the same bits in
 * any order.
 * @module
 */

const MS = 60_000;

/** Minutes of ours in milliseconds. */
export function msOfMinutes(minutes: number): number {
  return Math.round(minutes * MS);
}

export function minutesOfMs(ms: number): number {
  return ms / MS;
}
