/** The rules of the allowance, by the configuration. @module */
import { addDays, type Day, dayAt, dayBounds, weekday } from "../../../core/mod.ts";
import type { Allowance } from "../days/allowance.ts";
import type { Span } from "../days/slots.ts";
import { gameAllowances, type ProcessName } from "../processes/matchers.ts";

/** One object shared by all parts and read at each use: a new configuration changes it. */
export interface AllowanceRules {
  /** Minutes a day. */
  daily: Allowance;
  /** Minutes a week, Monday to Sunday; null: no limit. */
  weeklyMin: number | null;
  /** Minutes left at which an event is logged. */
  warnMin: readonly number[];
  timeZone: string;
  /** When a day begins: `04:00`. */
  startsAt: string;
  /** Minutes a day of games with an allowance of their own, by label. */
  games: ReadonlyMap<string, Allowance>;
}

export interface AllowanceConfig {
  daily_allowance_min: Allowance;
  weekly_allowance_min: number | null;
  allowance_warn_min: readonly number[];
  day_starts_at: string;
  process_name: ProcessName | null;
  /** Whether thresholds are also notifications of the desktop. */
  desktop_notifications: boolean;
}

export function rulesOf(
  config: AllowanceConfig,
  { timeZone }: { timeZone: string },
): AllowanceRules {
  return {
    daily: config.daily_allowance_min,
    weeklyMin: config.weekly_allowance_min,
    warnMin: config.allowance_warn_min,
    timeZone,
    startsAt: config.day_starts_at,
    games: gameAllowances(config.process_name),
  };
}

/** The day of a person that a wall-clock time in milliseconds belongs to. */
export function personDay(ms: number, { timeZone, startsAt }: AllowanceRules): Day {
  return dayAt(ms, timeZone, startsAt);
}

/** When a person's days begin and end, from the first to the last. */
export function personSpan(
  { from, to }: { from: Day; to: Day },
  { timeZone, startsAt }: AllowanceRules,
): Span {
  return {
    from: dayBounds(from, timeZone, startsAt).from,
    to: dayBounds(to, timeZone, startsAt).to,
  };
}

/** Monday and Sunday of a day's week. */
export function weekAround(date: Day): { from: Day; to: Day } {
  const from = addDays(date, 1 - weekday(date));
  return { from, to: addDays(from, 6) };
}
