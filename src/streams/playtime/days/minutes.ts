/**
 * Minutes of play. They are kept as fractions, but every sum is made in whole milliseconds: so the same
 * heartbeats give the same bits in whatever order they are added.
 * @module
 */

const MS = 60_000;

/** The milliseconds that minutes of ours stand for. */
export function msOfMinutes(minutes: number): number {
  return Math.round(minutes * MS);
}

export function minutesOfMs(ms: number): number {
  return ms / MS;
}
