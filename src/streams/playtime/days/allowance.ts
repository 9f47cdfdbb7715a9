/** How much play a day allows: the same every day, or by weekday. @module */
import { type Day, weekday } from "../../../core/mod.ts";

const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** Minutes; a weekday that is not named allows 0. Null: no limit. */
export type Allowance = number | Readonly<Partial<Record<Weekday, number>>> | null;

/** The minutes that a day allows; null without a limit. */
export function allowanceOn(allowance: Allowance, day: Day): number | null {
  if (allowance === null || typeof allowance === "number") return allowance;
  return allowance[WEEKDAYS[weekday(day) - 1]!] ?? 0;
}

/** The minutes beyond what is allowed; 0 without a limit. */
export function overdraft(minutesUsed: number, allowanceMin: number | null): number {
  return allowanceMin === null ? 0 : Math.max(0, minutesUsed - allowanceMin);
}
