/**
 * Computes days and slots again from raw heartbeats, in the background. Slots of games are only raised: a heartbeat names
 * one game, so the slots alone have others that ran at the same time. Days with deleted heartbeats are left out:
 * retention stores the day up to which it has deleted.
 *
 *     heartbeats   ░░░░░░░ deleted ░░░░░▒▒▒▒ a day half there ▒▒▒▒│████████████████████│
 *     days         as they are                                    │ computed again     │
 * @module
 */
import type { RecomputeResult } from "../../contract/playtime.ts";
import { type Clock, type Day, type Instant, instantOf, msOf, SLOT_MS } from "../../core/mod.ts";
import { inSlices, type Store } from "../../store/mod.ts";
import { type Allowance, allowanceOn } from "./days/allowance.ts";
import type { SlotSum } from "./heartbeats/heartbeats.ts";
import { minutesOfMs } from "./days/minutes.ts";
import { completeFrom } from "./heartbeats/retention.ts";
import { type Rollup, rollupOf } from "./days/rollups.ts";
import { openTables, type Tables } from "./tables.ts";

export interface RecomputeOptions {
  allowance: Allowance;
  /** The game of a process name (default: its own). */
  labelOf?: (processName: string) => string;
  clock: Clock;
  signal?: AbortSignal;
  /** Keeps higher numbers: days and slots still have the minutes of lost heartbeats. */
  atLeast?: boolean;
}

/** The sums of the heartbeats of a device and day. */
interface Sums {
  readonly deviceId: string;
  readonly day: Day;
  usedMs: number;
  last: Instant;
  readonly slots: Map<Instant, number>;
  /** By slot and process name. */
  readonly games: Map<Instant, Map<string, number>>;
}

/** Heartbeats summed between two checks of the time budget: about 1 ms. */
const PAGE_ROWS = 500;

export async function recomputeDays(
  store: Store,
  tables: Tables,
  { allowance, labelOf = (name) => name, clock, signal = store.closing, atLeast = false }:
    RecomputeOptions,
): Promise<RecomputeResult> {
  const all = new Map<string, Sums>();
  let read = 0;
  const readPage = (): boolean => {
    const page = tables.heartbeats.sumsAfter(read, PAGE_ROWS);
    for (const sum of page.sums) add(all, sum);
    read = page.last;
    return page.rows === PAGE_ROWS;
  };
  await inSlices((budget) => {
    while (budget.left()) if (!readPage()) return false;
    return true;
  }, { signal });
  signal.throwIfAborted();

  const result = { days: 0, changed: 0, incomplete: 0 };
  for (const sums of all.values()) {
    signal.throwIfAborted();
    const outcome = await store.write(() => {
      // The day already has heartbeats that came meanwhile, so the sums must have them too.
      while (readPage());
      if (sums.day < (completeFrom(store) ?? "")) return "incomplete";
      raiseGames(tables, sums, labelOf);
      return apply(tables, sums, { allowance, now: instantOf(clock.now()), atLeast });
    });
    if (outcome === "incomplete") result.incomplete++;
    else result.days++;
    if (outcome === "changed") result.changed++;
  }
  return result;
}

/** Raises days and slots below the sums of their heartbeats, after a repair; called before the stream is created. */
export async function raiseDays(
  store: Store,
  options: Omit<RecomputeOptions, "atLeast">,
): Promise<RecomputeResult> {
  return await recomputeDays(store, openTables(store), { ...options, atLeast: true });
}

function add(
  all: Map<string, Sums>,
  { device_id, slot_utc, process_name, ms, last }: SlotSum,
): void {
  const day = slot_utc.slice(0, 10);
  const key = `${day} ${device_id}`;
  let sums = all.get(key);
  if (!sums) {
    sums = { deviceId: device_id, day, usedMs: 0, last, slots: new Map(), games: new Map() };
    all.set(key, sums);
  }
  if (last > sums.last) sums.last = last;
  if (ms === 0) return;
  sums.usedMs += ms;
  sums.slots.set(slot_utc, (sums.slots.get(slot_utc) ?? 0) + ms);
  if (process_name === null) return;
  let games = sums.games.get(slot_utc);
  if (!games) sums.games.set(slot_utc, games = new Map());
  games.set(process_name, (games.get(process_name) ?? 0) + ms);
}

function raiseGames(
  { games }: Tables,
  { deviceId, games: slots }: Sums,
  labelOf: (processName: string) => string,
): void {
  for (const [slot, processes] of slots) {
    for (const [process_name, ms] of processes) {
      games.raise(deviceId, slot, { label: labelOf(process_name), process_name, ms });
    }
  }
}

function apply(
  { rollups, slots, grants }: Tables,
  { deviceId, day, usedMs, last, slots: sums }: Sums,
  { allowance, now, atLeast }: { allowance: Allowance; now: Instant; atLeast: boolean },
): "changed" | "same" {
  const known = rollups.get(deviceId, day);
  const computed = rollupOf({
    device_id: deviceId,
    date_utc: day,
    usedMs,
    grantedMs: grants.grantedMs(deviceId, { from: day, to: day }),
    allowance_min: known ? known.allowance_min : allowanceOn(allowance, day),
    last_heartbeat_at: last,
    updated_at: now,
  });
  const more = atLeast && known !== undefined && known.minutes_used > computed.minutes_used;
  let changed = !more && (!known || !sameNumbers(known, computed));
  if (changed) rollups.put(computed);

  const from = msOf(`${day}T00:00:00.000Z`);
  const before = slots.between(deviceId, { from, to: from + 96 * SLOT_MS });
  for (const { slot_utc } of before) {
    if (sums.has(slot_utc) || atLeast) continue;
    slots.remove(deviceId, slot_utc);
    changed = true;
  }
  const written = new Map(before.map(({ slot_utc, minutes_used }) => [slot_utc, minutes_used]));
  for (const [slot, ms] of sums) {
    const minutes = written.get(slot);
    if (minutes === minutesOfMs(ms) || (atLeast && (minutes ?? 0) > minutesOfMs(ms))) continue;
    slots.put(deviceId, slot, ms);
    changed = true;
  }
  return changed ? "changed" : "same";
}

function sameNumbers(a: Rollup, b: Rollup): boolean {
  return a.minutes_used === b.minutes_used && a.minutes_overdraft === b.minutes_overdraft &&
    a.last_heartbeat_at === b.last_heartbeat_at;
}
