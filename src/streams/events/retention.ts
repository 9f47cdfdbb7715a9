/**
 * Which events are deleted when: flushed ones after `retentionDays`; waiting ones as well when no cloud is
 * configured to wait for, else after `retentionUnsyncedDays`. The newest of each mode stays, for its `seq`.
 * @module
 */
import { type Budget, type Instant, instantOf, msOf, type PruneResult } from "../../core/mod.ts";
import type { Store, TableOutbox } from "../../store/mod.ts";

export interface RetentionOptions {
  store: Store;
  outbox: TableOutbox;
  retentionDays: number;
  retentionUnsyncedDays: number;
  /** Whether there is a cloud that waiting events wait for. */
  cloud: boolean;
}

/** Rows looked at between two looks at the clock. */
const STEP_ROWS = 200;
const DAY_MS = 24 * 3_600_000;

/** @returns the stream's `prune`, called inside `write` */
export function retention(options: RetentionOptions): (now: Instant, budget: Budget) => PruneResult {
  const { outbox, retentionDays, retentionUnsyncedDays, cloud } = options;
  const { db } = options.store;
  // Rows lie in the order in which they came, so that a walk from the start meets the oldest first.
  const step = db.prepare(
    `SELECT rowid, mode, seq, created_at, flushed, flushed = 0 AND rejected_at IS NULL AS waiting
     FROM local_events WHERE rowid > ? ORDER BY rowid LIMIT ${STEP_ROWS}`,
  );
  const newest = db.prepare("SELECT max(seq) AS seq FROM local_events WHERE mode = ?");
  const remove = db.prepare(
    "DELETE FROM local_events WHERE rowid IN (SELECT value FROM json_each(?))",
  );
  /** How far the walk has come: what was kept is not looked at again in the same round. */
  let walked = 0;

  return (now, budget) => {
    const daysAgo = (days: number) => instantOf(msOf(now) - days * DAY_MS);
    const flushedBefore = daysAgo(retentionDays);
    const waitingBefore = cloud ? daysAgo(retentionUnsyncedDays) : flushedBefore;
    const newestSeq = new Map<unknown, unknown>();
    let deleted = 0;
    do {
      const rows = step.all(walked);
      const old: unknown[] = [];
      let waiting = 0;
      let young = 0;
      for (const row of rows) {
        const at = String(row.created_at);
        if (at >= flushedBefore && at >= waitingBefore) young++;
        // A rejected event is one that someone has yet to decide about.
        if (at >= (row.flushed ? flushedBefore : waitingBefore)) continue;
        if (!newestSeq.has(row.mode)) newestSeq.set(row.mode, newest.get(row.mode as string)?.seq);
        if (row.seq === newestSeq.get(row.mode)) continue;
        old.push(row.rowid);
        if (row.waiting) waiting++;
      }
      if (old.length > 0) {
        remove.run(JSON.stringify(old));
        outbox.removed(waiting);
        deleted += old.length;
      }
      if (rows.length < STEP_ROWS || young === rows.length) {
        walked = 0;
        return { deleted, more: false };
      }
      walked = Number(rows.at(-1)?.rowid);
    } while (budget.left());
    return { deleted, more: true };
  };
}
