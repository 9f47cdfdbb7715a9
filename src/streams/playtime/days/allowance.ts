/** How much play a day allows: the same every day, or by weekday. @module */
import { type Day, type Weekday, weekday, WEEKDAYS } from "../../../core/mod.ts";
import { minutesOfMs, msOfMinutes } from "./minutes.ts";

/** Minutes; a weekday that is not named allows 0. Null: no limit. */
export type Allowance = number | Readonly<Partial<Record<Weekday, number>>> | null;

/** The minutes that a day allows; null without a limit. */
export function allowanceOn(allowance: Allowance, day: Day): number | null {
  if (allowance === null || typeof allowance === "number") return allowance;
  return allowance[WEEKDAYS[weekday(day) - 1]!] ?? 0;
}

/** The minutes beyond what is allowed and granted; 0 without a limit. */
export function overdraft(
  usedMs: number,
  { allowanceMin, grantedMs }: { allowanceMin: number | null; grantedMs: number },
): number {
  if (allowanceMin === null) return 0;
  return minutesOfMs(Math.max(0, usedMs - grantedMs - msOfMinutes(allowanceMin)));
}
