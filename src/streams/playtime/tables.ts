/** The tables of play time. A heartbeat changes its day, slot and games in one transaction. @module */
import type { Heartbeat } from "../../contract/playtime.ts";
import { msOf, slotAt } from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { Grants } from "./allowance/grants.ts";
import { type Allowance, allowanceOn } from "./days/allowance.ts";
import { creditMs, Heartbeats, utcDayOf } from "./heartbeats/heartbeats.ts";
import { grownRollup, Rollups } from "./days/rollups.ts";
import { Slots } from "./days/slots.ts";
import { GameSlots } from "./games/game_slots.ts";
import type { Game } from "./processes/matchers.ts";

export interface Tables {
  readonly heartbeats: Heartbeats;
  readonly rollups: Rollups;
  readonly slots: Slots;
  readonly grants: Grants;
  readonly games: GameSlots;
}

export function openTables(store: Store): Tables {
  return {
    heartbeats: new Heartbeats(store),
    rollups: new Rollups(store),
    slots: new Slots(store),
    grants: new Grants(store),
    games: new GameSlots(store),
  };
}

/** A heartbeat and the games that ran: several at once count once in the totals. */
export interface Poll {
  readonly heartbeat: Heartbeat;
  readonly games: readonly Game[];
}

/** Writes a heartbeat with its day, slot and games; called inside `write`. */
export function recordHeartbeat(
  tables: Tables,
  heartbeat: Heartbeat,
  { allowance, games = [] }: { allowance: Allowance; games?: readonly Game[] },
): void {
  const { heartbeats, rollups, slots, grants } = tables;
  const { device_id, timestamp_utc } = heartbeat;
  const day = utcDayOf(heartbeat);
  const allowanceMin = allowanceOn(allowance, day);
  heartbeats.insert(heartbeat);
  const grantedMs = grants.grantedMs(device_id, { from: day, to: day });
  rollups.put(grownRollup(rollups.get(device_id, day), heartbeat, { allowanceMin, grantedMs }));
  const ms = creditMs(heartbeat);
  if (ms === 0) return;
  const slot = slotAt(msOf(timestamp_utc));
  slots.add(device_id, slot, ms);
  for (const game of games) tables.games.add(device_id, slot, { ...game, ms });
}
