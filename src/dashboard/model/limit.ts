/** What a day allows with its grants, by its own limit or its week's. @module */
import type { TodayView } from "../../contract/playtime.ts";

/** Minutes of play at which the tighter limit is reached, 0 at least; null without a limit. */
export function limitOf(
  { minutes_used, minutes_left, minutes_overdraft, limited_by, week }: TodayView,
): number | null {
  if (minutes_left === null) return null;
  const over = limited_by === "week"
    ? Math.max(0, week.used_min - week.granted_min - (week.allowance_min ?? 0))
    : minutes_overdraft;
  return Math.max(0, minutes_used + minutes_left - over);
}
