/**
 * Days and hours of a time zone, in the browser: a day is 23 or 25 hours long where clocks are changed.
 * @module
 */

/** `YYYY-MM-DD` */
export type Day = string;

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

let detected: string | undefined;

/** The reader's own zone. */
export function detectedZone(): string {
  return detected ??= Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Zones to choose from. */
export function knownZones(): readonly string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

/** The wall time of an instant as if it were UTC. */
export function wallMs(ms: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = partsOf(ms, timeZone);
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
}

export function dayAt(ms: number, timeZone: string): Day {
  return new Date(wallMs(ms, timeZone)).toISOString().slice(0, 10);
}

/** When a day begins; the first moment that exists where a change of clocks skips midnight. */
export function dayStart(day: Day, timeZone: string): number {
  return wallInstant(Date.parse(`${day}T00:00:00Z`), timeZone);
}

/**
 * The instant of a wall time given as if it were UTC: the first of two where clocks are set back, an hour later where
 * the wall time is skipped.
 */
export function wallInstant(wanted: number, timeZone: string): number {
  let ms = wanted - (wallMs(wanted, timeZone) - wanted);
  // A second time, with the offset that is valid there.
  ms = wanted - (wallMs(ms, timeZone) - ms);
  return wallMs(ms, timeZone) < wanted ? ms + 3_600_000 : ms;
}

export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export function daysBetween(from: Day, to: Day): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);
}

/** 0 is Monday. */
export function weekdayOf(day: Day): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
}

function partsOf(ms: number, timeZone: string): Record<string, number> {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  return Object.fromEntries(
    format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
  );
}
