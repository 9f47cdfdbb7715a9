/** What is left of a day: allowance + grants − play, of the day and of its week; the smaller counts. @module */
import type { WeekView } from "../../../contract/allowance.ts";
import type { Day } from "../../../core/mod.ts";
import { allowanceOn } from "../days/allowance.ts";
import { minutesOfMs, msOfMinutes } from "../days/minutes.ts";
import type { Span } from "../days/slots.ts";
import type { Tables } from "../tables.ts";
import { type AllowanceRules, personSpan, weekAround } from "./rules.ts";

/** Play and grants of some days, in milliseconds. */
export interface Sums {
  readonly span: Span;
  usedMs: number;
  readonly grantedMs: number;
}

/** What a balance is computed from. */
export interface DaySums {
  readonly date: Day;
  readonly day: Sums;
  readonly week: Sums;
}

export interface Balance {
  allowance_min: number | null;
  granted_min: number;
  used_min: number;
  /** What is left of the tighter limit, negative beyond it; null without a limit. */
  balance_min: number | null;
  limited_by: "day" | "week" | null;
  week: WeekView;
}

/** Sums a day and its week. */
export function readSums(
  { slots, grants }: Tables,
  date: Day,
  { deviceId, rules }: { deviceId: string; rules: AllowanceRules },
): DaySums {
  const sums = (days: { from: Day; to: Day }): Sums => {
    const span = personSpan(days, rules);
    return {
      span,
      usedMs: slots.usedMs(deviceId, span),
      grantedMs: grants.grantedMs(deviceId, days),
    };
  };
  return { date, day: sums({ from: date, to: date }), week: sums(weekAround(date)) };
}

export function balanceOf({ date, day, week }: DaySums, rules: AllowanceRules): Balance {
  const allowanceMin = allowanceOn(rules.daily, date);
  const ofDay = leftOf(allowanceMin, day);
  const ofWeek = leftOf(rules.weeklyMin, week);
  const byWeek = ofWeek !== null && (ofDay === null || ofWeek < ofDay);
  return {
    allowance_min: allowanceMin,
    granted_min: minutesOfMs(day.grantedMs),
    used_min: minutesOfMs(usedOf(day)),
    balance_min: byWeek ? ofWeek : ofDay,
    limited_by: byWeek ? "week" : ofDay === null ? null : "day",
    week: {
      ...weekAround(date),
      allowance_min: rules.weeklyMin,
      granted_min: minutesOfMs(week.grantedMs),
      used_min: minutesOfMs(usedOf(week)),
      left_min: atLeastNone(ofWeek),
    },
  };
}

/** What may still be played; null without a limit. */
export function atLeastNone(balanceMin: number | null): number | null {
  return balanceMin === null ? null : Math.max(0, balanceMin);
}

function leftOf(allowanceMin: number | null, sums: Sums): number | null {
  if (allowanceMin === null) return null;
  return minutesOfMs(msOfMinutes(allowanceMin) + sums.grantedMs - usedOf(sums));
}

/** At most the length of the span, even when a clock is set back. */
function usedOf({ span, usedMs }: Sums): number {
  return Math.min(usedMs, span.to - span.from);
}
