/** How much play a day allows: the same every day, or by weekday. @module */
import { type Day, weekday } from "../../core/mod.ts";

const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

export type Weekday = (typeof WEEKDAYS)[number];

/** Minutes; a weekday that is not named allows none. */
export type Allowance = number | Readonly<Partial<Record<Weekday, number>>>;

/** The minutes that a day allows. */
export function allowanceOn(allowance: Allowance, day: Day): number {
  if (typeof allowance === "number") return allowance;
  return allowance[WEEKDAYS[weekday(day) - 1]!] ?? 0;
}

/** The minutes beyond what is allowed. */
export function overdraft(minutesUsed: number, allowanceMin: number): number {
  return Math.max(0, minutesUsed - allowanceMin);
}
