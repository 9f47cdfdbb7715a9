/** Play by game, summed over days and processes. @module */
import type { GameDay } from "../../contract/games.ts";

export type GameMinutes = Pick<GameDay, "label" | "minutes_used">;

/** The most played game first. */
export function gameSums(days: readonly GameDay[]): GameMinutes[] {
  const sums = new Map<string, number>();
  for (const { label, minutes_used } of days) {
    sums.set(label, (sums.get(label) ?? 0) + minutes_used);
  }
  return [...sums].map(([label, minutes_used]) => ({ label, minutes_used }))
    .sort((one, other) => other.minutes_used - one.minutes_used);
}
