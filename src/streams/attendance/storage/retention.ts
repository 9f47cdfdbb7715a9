/**
 * Retention of punches, their corrections, device events and the quarantine. A punch that waits for a cloud, or for a decision about
 * its rejection, stays longer.
 * @module
 */
import { type Budget, type Instant, instantOf, msOf, type PruneResult } from "../../../core/mod.ts";
import { retention, type Store, type TableOutbox } from "../../../store/mod.ts";
import type { Quarantine } from "./quarantine.ts";

export interface AttendanceRetention {
  punches: Retained;
  corrections: Retained;
  retentionDays: number;
  quarantine: Quarantine;
  /** How many of its entries are kept, whatever their age. */
  quarantineEntries: number;
}

/** A table whose rows go to the cloud. */
interface Retained {
  outbox: TableOutbox;
  /** For how long a row that waits for the cloud is kept; as `retentionDays` where none takes it. */
  unsyncedDays: number;
}

const DAY_MS = 86_400_000;
/** Rows deleted between two looks at the budget. */
const STEP_ROWS = 100;

/** @returns the stream's `prune`, called inside `write` */
export function attendanceRetention(
  store: Store,
  options: AttendanceRetention,
): (now: Instant, budget: Budget) => PruneResult {
  const { punches, corrections, retentionDays, quarantine, quarantineEntries } = options;
  const prunePunches = retention(store, {
    ...punches,
    table: "device_logs",
    key: "seq",
    instant: "received_at",
    retentionDays,
  });
  const pruneCorrections = retention(store, {
    ...corrections,
    table: "punch_corrections",
    key: "rowid",
    instant: "created_at",
    retentionDays,
  });
  // Up to the first that is young: what came after it is young, too, whatever the clock showed then.
  const oldest = (table: string) => `
    WITH oldest AS (SELECT seq, received_at FROM ${table} ORDER BY seq LIMIT ${STEP_ROWS})
    DELETE FROM ${table} WHERE seq IN (SELECT seq FROM oldest) AND (received_at < ?1 AND seq < coalesce(
      (SELECT min(seq) FROM oldest WHERE received_at >= ?1 AND received_at <= ?2), 9e18)`;
  const removeEvents = store.db.prepare(`${oldest("device_events")})`);
  // A device whose firmware is new to the agent may fill it day by day.
  const removeEntries = store.db.prepare(
    `${oldest("device_quarantine")}
       OR seq <= (SELECT max(seq) FROM device_quarantine) - ${quarantineEntries}) RETURNING file`,
  );

  return (now, budget) => {
    const before = instantOf(msOf(now) - retentionDays * DAY_MS);
    const future = instantOf(msOf(now) + DAY_MS);
    let deleted = 0;
    let more: boolean;
    do {
      const events = Number(removeEvents.run(before, future).changes);
      const entries = removeEntries.all(before, future);
      store.afterCommit(() => {
        for (const { file } of entries) {
          if (typeof file === "string") void quarantine.removeFile(file);
        }
      });
      deleted += events + entries.length;
      more = [events, entries.length].includes(STEP_ROWS);
    } while (more && budget.left());
    for (const prune of [pruneCorrections, prunePunches]) {
      const pruned = prune(now, budget);
      deleted += pruned.deleted;
      more ||= pruned.more;
    }
    return { deleted, more };
  };
}
