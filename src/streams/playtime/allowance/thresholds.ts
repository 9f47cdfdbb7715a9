/**
 * The thresholds of a day: minutes left, used up, and every 15 minutes over. Each is an event of the log. Its key makes it
 * fire once a day, across restarts, clock changes and grants.
 *
 *     left    20 ──── 15 ──── 5 ──── 0 ──── −15 ──── −30        a grant raises what is left: those that
 *             ────────●───────●──────●───────●────────●──►      have fired do not fire again
 * @module
 */
import type { AgentEvent, Day, Id, Instant } from "../../../core/mod.ts";
import { atLeastNone, type Balance } from "./balance.ts";

/** Minutes between two events beyond the allowance. */
const OVER_STEP_MIN = 15;

/** The thresholds between two balances in the order in which they fire; negative ones are minutes over. */
export function crossed(before: number, after: number, warnMin: readonly number[]): number[] {
  const fired = [...new Set(warnMin)].filter((each) => after <= each && each < before)
    .sort((a, b) => b - a);
  for (let over = -OVER_STEP_MIN; over >= after; over -= OVER_STEP_MIN) {
    if (over < before) fired.push(over);
  }
  return fired;
}

/** A balance that has a limit: of the day and its week, or of one game. */
export interface LimitedBalance
  extends Pick<Balance, "allowance_min" | "granted_min" | "used_min" | "limited_by"> {
  balance_min: number;
}

/**
 * The balance that thresholds are compared with: never more minutes over than the day's play, because other days of the
 * week or a negative grant may have caused the rest.
 */
export function levelOf({ balance_min, used_min }: LimitedBalance): number {
  return Math.max(balance_min, -used_min);
}

export interface ThresholdOptions {
  deviceId: Id;
  date: Day;
  balance: LimitedBalance;
  at: Instant;
  /** The game that has an allowance of its own; null: all play. */
  label: string | null;
}

export function thresholdEvent(
  threshold: number,
  { deviceId, date, balance, at, label }: ThresholdOptions,
): AgentEvent {
  const over = threshold < 0;
  const step = over ? `over:${-threshold}` : String(threshold);
  return {
    ts: at,
    type: "ALLOWANCE",
    subtype: over ? "OVER" : threshold === 0 ? "USED_UP" : "MINUTES_LEFT",
    symbol: label,
    severity: threshold > 0 ? "info" : "warning",
    body: (label === null ? "" : `${label}: `) + bodyOf(threshold, balance),
    meta: {
      date,
      minutes_left: atLeastNone(balance.balance_min),
      minutes_used: balance.used_min,
      allowance_min: balance.allowance_min,
      granted_min: balance.granted_min,
      limited_by: balance.limited_by,
      threshold,
    },
    idempotency_key: ["allowance", deviceId, date, ...label === null ? [] : [label], step]
      .join(":"),
  };
}

/** `15 minutes left`. Several thresholds at once each have the minutes that are left, not their own. */
function bodyOf(
  threshold: number,
  { balance_min, limited_by }: ThresholdOptions["balance"],
): string {
  const span = limited_by === "week" ? "this week" : "today";
  if (threshold < 0) return `${-threshold} minutes over ${span}`;
  const left = Math.max(0, Math.ceil(balance_min));
  if (threshold === 0 || left === 0) return `No minutes left ${span}`;
  return `${left} ${left === 1 ? "minute" : "minutes"} left ${span}`;
}
