/**
 * Gives rows the new device id after a change: slots, grants and days before the first poll, heartbeats (up to millions)
 * in the background. After a crash it starts again.
 *
 *     slots and days     before the first answer      each day exists once: under the new id
 *     heartbeats         while the agent records      those that wait for the cloud are sent under the new id
 * @module
 */
import { dayBounds, type Id, logger } from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { msOfMinutes } from "./days/minutes.ts";
import { type Rollup, rollupOf } from "./days/rollups.ts";
import { openTables, type Tables } from "./tables.ts";

export interface Rename {
  readonly before: readonly Id[];
  readonly id: Id;
}

/** Rows of one write: 1 to 3 ms. */
const PAGE_ROWS = 500;
const PAGE_DAYS = 100;

/** Renames slots, grants and days; called before the stream is created. */
export async function renameDays(store: Store, { before, id }: Rename): Promise<void> {
  if (before.length === 0) return;
  const tables = openTables(store);
  for (const name of before) {
    while (await store.write(() => tables.slots.rename(name, id, PAGE_ROWS))) await turn();
    await store.write(() => tables.grants.rename(name, id));
    while (await store.write(() => tables.games.rename(name, id, PAGE_ROWS))) await turn();
    while (await store.write(() => renamePage(tables, name, id))) await turn();
  }
}

/** Whether there may be more. */
function renamePage({ rollups, slots, grants }: Tables, name: Id, id: Id): boolean {
  const page = rollups.after({ device_id: name, date_utc: "" }, PAGE_DAYS)
    .filter(({ device_id }) => device_id === name);
  for (const day of page) {
    const known = rollups.get(id, day.date_utc);
    rollups.put(known ? joined(known, day, sumsOf(day)) : { ...day, device_id: id });
    rollups.remove(name, day.date_utc);
  }
  return page.length === PAGE_DAYS;

  function sumsOf({ date_utc: date }: Rollup): { usedMs: number; grantedMs: number } {
    return {
      usedMs: slots.usedMs(id, dayBounds(date)),
      grantedMs: grants.grantedMs(id, { from: date, to: date }),
    };
  }
}

/** A day that both ids have: the sum of its slots, and no less than either had. */
function joined(
  known: Rollup,
  other: Rollup,
  { usedMs, grantedMs }: { usedMs: number; grantedMs: number },
): Rollup {
  const later = known.updated_at > other.updated_at ? known : other;
  return rollupOf({
    device_id: known.device_id,
    date_utc: known.date_utc,
    usedMs: Math.max(usedMs, ...[known, other].map((day) => msOfMinutes(day.minutes_used))),
    grantedMs,
    allowance_min: later.allowance_min,
    last_heartbeat_at: [known, other].map((day) => day.last_heartbeat_at).sort().at(-1)!,
    updated_at: later.updated_at,
  });
}

/**
 * Renames heartbeats, page by page.
 * @param options.done called inside the last write
 */
export async function renameHeartbeats(
  store: Store,
  { before, id, done, signal }: Rename & { done: () => void; signal: AbortSignal },
): Promise<void> {
  const { heartbeats } = openTables(store);
  const names = JSON.stringify(before);
  let renamed = 0;
  let seq: number | undefined = 0;
  while (seq !== undefined) {
    signal.throwIfAborted();
    const from: number = seq;
    seq = await store.write(() => {
      const page = heartbeats.rename(names, id, { after: from, limit: PAGE_ROWS });
      renamed += page.renamed;
      if (page.last === undefined) done();
      return page.last;
    });
    await turn();
  }
  logger("playtime").info("{renamed} heartbeats have the device id {id} now", { renamed, id });
}

/** Yields to the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
