/** The days of the demo's past, in the time zone of this machine. @module */
import { addDays, type Day, dayAt, dayBounds, weekday } from "../../src/core/mod.ts";

export const PAST_DAYS = 60;

export interface PastDay {
  readonly date: Day;
  /** When it began, in milliseconds. */
  readonly from: number;
  /** How many days before today; 0: today. */
  readonly ago: number;
  readonly isWeekend: boolean;
}

export interface Present {
  now: number;
  timeZone: string;
}

/** Oldest first; the last is today. */
export function pastDays({ now, timeZone }: Present): PastDay[] {
  const today = dayAt(now, timeZone);
  return Array.from({ length: PAST_DAYS + 1 }, (_, index) => {
    const ago = PAST_DAYS - index;
    const date = addDays(today, -ago);
    const { from } = dayBounds(date, timeZone);
    return { date, from, ago, isWeekend: weekday(date) > 5 };
  });
}
