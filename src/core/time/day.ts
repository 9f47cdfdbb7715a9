/**
 * Days as people have them: in an IANA time zone, 23 to 25 hours long. Play time is kept in UTC slots of
 * 15 minutes; since every zone's offset is a multiple of that, each zone's days are sums of slots.
 * @module
 */
import { type Instant, instantOf } from "./clock.ts";

/** A calendar day, `YYYY-MM-DD`. */
export type Day = string;

/** The length of a slot in milliseconds. */
export const SLOT_MS = 15 * 60_000;
const DAY_MS = 96 * SLOT_MS;

/** Whether the runtime knows this time zone by name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The time zone this machine is set to. */
export function localTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Whether the text is a day of the calendar, written `YYYY-MM-DD`. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** The time of day at which calendar days begin. */
export const MIDNIGHT = "00:00";

/**
 * The day it is in `timeZone` at a wall-clock time in milliseconds, where days begin at `startsAt`:
 *
 *     startsAt 04:00    ── monday ──┤ 04:00 ├── tuesday ──   (tuesday, 03:59 is still monday)
 */
export function dayAt(ms: number, timeZone = "UTC", startsAt = MIDNIGHT): Day {
  // Without `Temporal`: every look at the processes and every `/daily` ask this.
  if (timeZone === "UTC" && startsAt === MIDNIGHT) return utcDayAt(ms);
  const date = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms))
    .toZonedDateTimeISO(timeZone).toPlainDate();
  if (startsAt === MIDNIGHT || ms >= startOfDay(date, timeZone, startsAt)) return date.toString();
  return date.subtract({ days: 1 }).toString();
}

/** The last UTC day that was asked for, nearly always today: it spares work, and no answer depends on it. */
let known = { from: NaN, day: "" };

function utcDayAt(ms: number): Day {
  const from = Math.floor(ms / DAY_MS) * DAY_MS;
  if (from !== known.from) known = { from, day: instantOf(from).slice(0, -14) };
  return known.day;
}

/**
 * When a day begins and ends in `timeZone`: `[from, to)` in milliseconds, 23 to 25 hours apart.
 * @param startsAt when days begin, a multiple of 15 minutes: `04:00`
 */
export function dayBounds(
  day: Day,
  timeZone = "UTC",
  startsAt = MIDNIGHT,
): { from: number; to: number } {
  const date = Temporal.PlainDate.from(day);
  return {
    from: startOfDay(date, timeZone, startsAt),
    to: startOfDay(date.add({ days: 1 }), timeZone, startsAt),
  };
}

function startOfDay(date: Temporal.PlainDate, timeZone: string, startsAt: string): number {
  // Without a time it is the first moment of the day, also where midnight is skipped or comes twice.
  const begin = startsAt === MIDNIGHT ? { timeZone } : { timeZone, plainTime: startsAt };
  return date.toZonedDateTime(begin).epochMilliseconds;
}

/** The day `count` days after (or, negative, before) another. */
export function addDays(day: Day, count: number): Day {
  return Temporal.PlainDate.from(day).add({ days: count }).toString();
}

/** How many days lie between two days: 1 from one day to the next. */
export function daysBetween(from: Day, to: Day): number {
  return Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to)).days;
}

/** As configurations name them, from Monday on. */
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** The weekday of a day, 1 for Monday to 7 for Sunday. */
export function weekday(day: Day): number {
  return Temporal.PlainDate.from(day).dayOfWeek;
}

/** The start of the slot that a wall-clock time lies in. */
export function slotAt(ms: number): Instant {
  return instantOf(ms - (((ms % SLOT_MS) + SLOT_MS) % SLOT_MS));
}
