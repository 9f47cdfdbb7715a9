/** Minutes by weekday and hour, in a time zone. @module */
import type { Slot } from "../../contract/playtime.ts";
import { wallMs } from "./zones.ts";

export type SlotMinutes = Pick<Slot, "slot_utc" | "minutes_used">;

/** `[weekday][hour]`, Monday first. */
export function heatOf(slots: readonly SlotMinutes[], timeZone: string): number[][] {
  const heat = Array.from({ length: 7 }, () => Array<number>(24).fill(0));
  for (const { slot_utc, minutes_used } of slots) {
    const wall = new Date(wallMs(Date.parse(slot_utc), timeZone));
    heat[(wall.getUTCDay() + 6) % 7]![wall.getUTCHours()]! += minutes_used;
  }
  return heat;
}
