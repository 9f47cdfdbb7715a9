/** The interval between flushes, by active hours. @module */
import { WEEKDAYS } from "../../core/mod.ts";

/** Hours of the week, local time. */
interface ActiveHours {
  /** `mon`, `tue`, … */
  days: readonly string[];
  /** `HH:MM`, included. */
  from: string;
  /**
   * `HH:MM`, excluded; `24:00` is the day's end. If not after `from`, the hours end on the next day: the same time twice
   * is 24 hours.
   */
  to: string;
  /** Null: the zone of the agent's days. */
  time_zone: string | null;
}

export interface FlushConfig {
  active_sec: number;
  offhours_sec: number;
  active_hours: ActiveHours;
}

/** Milliseconds until the next flush; `nowMs` is wall-clock time. */
export function flushIntervalMs(
  flush: FlushConfig,
  { nowMs, timeZone }: { nowMs: number; timeZone: string },
): number {
  const { active_sec, offhours_sec, active_hours: hours } = flush;
  const now = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs))
    .toZonedDateTimeISO(hours.time_zone ?? timeZone);
  return (isActive(hours, now) ? active_sec : offhours_sec) * 1_000;
}

/**
 * Whether it is an active hour:
 *
 *     from 09:30 to 16:00   mon ·····####····· tue ·····####·····
 *     from 22:00 to 02:00   mon ············## tue ##··········##     (monday's hours end on tuesday)
 */
function isActive({ days, from, to }: ActiveHours, now: Temporal.ZonedDateTime): boolean {
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
