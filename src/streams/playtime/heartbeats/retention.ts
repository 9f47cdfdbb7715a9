/** Deletes old heartbeats, and stores the day from which all are there. Days and slots stay. @module */
import {
  addDays,
  type Budget,
  type Day,
  dayAt,
  type Instant,
  msOf,
  type PruneResult,
} from "../../../core/mod.ts";
import { retention, type Store, type TableOutbox } from "../../../store/mod.ts";

export interface HeartbeatRetention {
  outbox: TableOutbox;
  retentionDays: number;
  /** Days that a heartbeat waits for the cloud; `retentionDays` without a cloud. */
  unsyncedDays: number;
}

const COMPLETE_FROM = "playtime_complete_from";

/** The first UTC day whose heartbeats may all be stored; null while none was ever deleted. */
export function completeFrom(store: Store): Day | null {
  return store.meta(COMPLETE_FROM) ?? null;
}

/** Makes the stream's `prune`, which is called inside `write`. */
export function heartbeatRetention(
  store: Store,
  options: HeartbeatRetention,
): (now: Instant, budget: Budget) => PruneResult {
  return retention(store, {
    ...options,
    table: "heartbeats",
    key: "seq",
    instant: "timestamp_utc",
    onDeleted(newest) {
      const complete = addDays(dayAt(msOf(newest)), 1);
      if (complete > (completeFrom(store) ?? "")) store.setMeta(COMPLETE_FROM, complete);
    },
  });
}
