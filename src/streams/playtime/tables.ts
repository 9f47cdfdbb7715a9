/** The tables of play time: heartbeat, day and slot change together, and the day with its grants. @module */
import type { Heartbeat } from "../../contract/playtime.ts";
import { msOf, slotAt } from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { Grants } from "./allowance/grants.ts";
import { type Allowance, allowanceOn } from "./days/allowance.ts";
import { creditMs, dayOf, Heartbeats } from "./heartbeats/heartbeats.ts";
import { grownRollup, Rollups } from "./days/rollups.ts";
import { Slots } from "./days/slots.ts";

export interface Tables {
  readonly heartbeats: Heartbeats;
  readonly rollups: Rollups;
  readonly slots: Slots;
  readonly grants: Grants;
}

export function openTables(store: Store): Tables {
  return {
    heartbeats: new Heartbeats(store),
    rollups: new Rollups(store),
    slots: new Slots(store),
    grants: new Grants(store),
  };
}

/** Writes a heartbeat and what follows from it; called inside `write`. */
export function record(
  { heartbeats, rollups, slots, grants }: Tables,
  heartbeat: Heartbeat,
  { allowance }: { allowance: Allowance },
): void {
  const { device_id, timestamp_utc } = heartbeat;
  const day = dayOf(heartbeat);
  const allowanceMin = allowanceOn(allowance, day);
  heartbeats.insert(heartbeat);
  const grantedMs = grants.grantedMs(device_id, { from: day, to: day });
  rollups.put(grownRollup(rollups.get(device_id, day), heartbeat, { allowanceMin, grantedMs }));
  const ms = creditMs(heartbeat);
  if (ms > 0) slots.add(device_id, slotAt(msOf(timestamp_utc)), ms);
}
