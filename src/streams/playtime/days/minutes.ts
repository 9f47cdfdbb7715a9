/** Minutes of play are stored as fractions and summed in whole milliseconds, exact in any order. @module */

const MS = 60_000;

export function msOfMinutes(minutes: number): number {
  return Math.round(minutes * MS);
}

export function minutesOfMs(ms: number): number {
  return ms / MS;
}
