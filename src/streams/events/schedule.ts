/**
 * How often events are flushed: often in active hours, seldom otherwise.
 * @module
 */

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** Hours of the week by the clock on the wall of `timeZone`. */
export interface ActiveHours {
  days: readonly Weekday[];
  /** `HH:MM`, included. */
  from: string;
  /**
   * `HH:MM`, excluded; `24:00` is the day's end. Not after `from`: the hours run over midnight and belong
   * to the day on which they began, so that the same time twice is a whole day.
   */
  to: string;
  timeZone: string;
}

export interface FlushTimes {
  activeSec: number;
  offhoursSec: number;
  activeHours: ActiveHours;
}

const WEEKDAYS: readonly Weekday[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** How long until the next flush, at a wall-clock time in milliseconds. */
export function flushIntervalMs(times: FlushTimes, nowMs: number): number {
  const seconds = isActive(times.activeHours, nowMs) ? times.activeSec : times.offhoursSec;
  return seconds * 1_000;
}

/**
 * Whether it is an active hour:
 *
 *     from 09:30 to 16:00   mon ·····####····· tue ·····####·····
 *     from 22:00 to 02:00   mon ············## tue ##··········##     (monday's hours end on tuesday)
 */
function isActive({ days, from, to, timeZone }: ActiveHours, nowMs: number): boolean {
  const now = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs))
    .toZonedDateTimeISO(timeZone);
  const minute = now.hour * 60 + now.minute;
  const begin = minuteOfDay(from);
  const end = minuteOfDay(to);
  const today = days.includes(WEEKDAYS[now.dayOfWeek - 1]!);
  if (begin < end) return today && begin <= minute && minute < end;
  const yesterday = days.includes(WEEKDAYS[(now.dayOfWeek + 5) % 7]!);
  return (today && minute >= begin) || (yesterday && minute < end);
}

function minuteOfDay(time: string): number {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return hour * 60 + minute;
}
