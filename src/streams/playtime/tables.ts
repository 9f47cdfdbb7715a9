/** The three tables of play time, which change together: heartbeat, day and slot. @module */
import type { Heartbeat } from "../../contract/playtime.ts";
import { msOf, slotAt } from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { type Allowance, allowanceOn } from "./days/allowance.ts";
import { creditMs, dayOf, Heartbeats } from "./heartbeats/heartbeats.ts";
import { grownRollup, Rollups } from "./days/rollups.ts";
import { Slots } from "./days/slots.ts";

export interface Tables {
  readonly heartbeats: Heartbeats;
  readonly rollups: Rollups;
  readonly slots: Slots;
}

export function openTables(store: Store): Tables {
  return {
    heartbeats: new Heartbeats(store),
    rollups: new Rollups(store),
    slots: new Slots(store),
  };
}

/** Writes a heartbeat and what follows from it; called inside `write`. */
export function record(
  { heartbeats, rollups, slots }: Tables,
  heartbeat: Heartbeat,
  { allowance }: { allowance: Allowance },
): void {
  const { device_id, timestamp_utc } = heartbeat;
  const day = dayOf(heartbeat);
  const allowanceMin = allowanceOn(allowance, day);
  heartbeats.insert(heartbeat);
  rollups.put(grownRollup(rollups.get(device_id, day), heartbeat, { allowanceMin }));
  const ms = creditMs(heartbeat);
  if (ms > 0) slots.add(device_id, slotAt(msOf(timestamp_utc)), ms);
}
