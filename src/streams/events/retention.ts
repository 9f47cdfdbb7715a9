/**
 * Old events go, in slices. What the cloud does not have yet, or has refused, is kept longer; and the newest of
 * each mode stays, so that its `seq` goes on from there.
 * @module
 */
import {
  type Budget,
  type Clock,
  type Instant,
  instantOf,
  msOf,
  type PruneResult,
} from "../../core/mod.ts";
import type { Store, TableOutbox } from "../../store/mod.ts";

export interface RetentionOptions {
  outbox: TableOutbox;
  retentionDays: number;
  /** For how long an event that waits for the cloud is kept; as `retentionDays` without a cloud. */
  unsyncedDays: number;
  clock: Clock;
}

const DAY_MS = 86_400_000;

/** Rows looked at between two looks at the budget: about a millisecond. */
const PAGE_ROWS = 200;

/** Makes the stream's `prune`, which is called inside `write`. */
export function retention(
  store: Store,
  { outbox, retentionDays, unsyncedDays, clock }: RetentionOptions,
): (now: Instant, budget: Budget) => PruneResult {
  const page = store.db.prepare(
    `SELECT max(at) AS last, min(created_at >= ?2 AND created_at <= ?3) AS young
     FROM (SELECT rowid AS at, created_at FROM local_events WHERE rowid > ?1
           ORDER BY rowid LIMIT ${PAGE_ROWS})`,
  );
  const remove = store.db.prepare(
    `DELETE FROM local_events
     WHERE rowid > ? AND rowid <= ? AND created_at < CASE flushed WHEN 1 THEN ? ELSE ? END
       AND seq < (SELECT max(seq) FROM local_events AS others WHERE others.mode = local_events.mode)
     RETURNING flushed = 0 AND rejected_at IS NULL AS waited`,
  );
  /** Up to where the pass that is under way has looked. */
  let looked = 0;
  let wallAhead = clock.now() - clock.monotonic();
  let doubtedUntil = -Infinity;

  return (now, budget) => {
    // A clock that leaps by more than a day is not believed for as long: what it deletes is gone.
    const ahead = clock.now() - clock.monotonic();
    if (ahead - wallAhead > DAY_MS) doubtedUntil = clock.monotonic() + DAY_MS;
    wallAhead = ahead;
    if (clock.monotonic() < doubtedUntil) return { deleted: 0, more: false };

    const at = msOf(now);
    const cutoff = instantOf(at - retentionDays * DAY_MS);
    const unsyncedCutoff = instantOf(at - unsyncedDays * DAY_MS);
    const newestCutoff = cutoff > unsyncedCutoff ? cutoff : unsyncedCutoff;
    // Rows from when the clock was ahead are no sign that all that follow are young.
    const future = instantOf(at + DAY_MS);
    let deleted = 0;
    let waited = 0;
    let more = true;
    do {
      const { last, young } = page.get(looked, newestCutoff, future) ?? {};
      if (last === null || last === undefined) more = false;
      else {
        for (const row of remove.all(looked, last, cutoff, unsyncedCutoff)) {
          deleted++;
          waited += Number(row.waited);
        }
        looked = Number(last);
        // Rows lie in the order in which they came: after a page of young ones, all are.
        if (young === 1) more = false;
      }
    } while (more && budget.left());
    if (!more) looked = 0;
    outbox.removed(waited);
    return { deleted, more };
  };
}
