/**
 * Old heartbeats go, in slices; their days and slots stay. What the cloud does not have yet is kept longer.
 * @module
 */
import {
  addDays,
  type Budget,
  type Day,
  dayAt,
  type Instant,
  instantOf,
  msOf,
  type PruneResult,
} from "../../core/mod.ts";
import type { Store, TableOutbox } from "../../store/mod.ts";

export interface RetentionOptions {
  outbox: TableOutbox;
  retentionDays: number;
  /** For how long a heartbeat that waits for the cloud is kept; as `retentionDays` without a cloud. */
  unsyncedDays: number;
}

const DAY_MS = 86_400_000;

/** Rows looked at between two looks at the budget: about a millisecond. */
const PAGE_ROWS = 250;

const COMPLETE_FROM = "playtime_complete_from";

/** The first UTC day whose heartbeats may all still be there; null while none was ever deleted. */
export function completeFrom(store: Store): Day | null {
  return store.meta(COMPLETE_FROM) ?? null;
}

/** Makes the stream's `prune`, which is called inside `write`. */
export function retention(
  store: Store,
  { outbox, retentionDays, unsyncedDays }: RetentionOptions,
): (now: Instant, budget: Budget) => PruneResult {
  const page = store.db.prepare(
    `SELECT max(seq) AS last, min(timestamp_utc >= ?2 AND timestamp_utc <= ?3) AS young
     FROM (SELECT seq, timestamp_utc FROM heartbeats WHERE seq > ?1 ORDER BY seq LIMIT ${PAGE_ROWS})`,
  );
  const remove = store.db.prepare(
    `DELETE FROM heartbeats WHERE seq > ? AND seq <= ?
       AND timestamp_utc < CASE WHEN synced_at IS NULL THEN ? ELSE ? END
     RETURNING timestamp_utc, synced_at IS NULL AND rejected_at IS NULL AS waited`,
  );
  /** Up to where the pass that is under way has looked. */
  let looked = 0;

  return (now, budget) => {
    const at = msOf(now);
    const cutoff = instantOf(at - retentionDays * DAY_MS);
    const unsyncedCutoff = instantOf(at - unsyncedDays * DAY_MS);
    // Rows from when the clock was ahead are no sign that all that follow are young.
    const future = instantOf(at + DAY_MS);
    let deleted = 0;
    let waited = 0;
    let newest = "";
    let more = true;
    do {
      const { last, young } = page.get(looked, cutoff, future) ?? {};
      if (last === null || last === undefined) more = false;
      else {
        for (const row of remove.all(looked, last, unsyncedCutoff, cutoff)) {
          deleted++;
          waited += Number(row.waited);
          if (String(row.timestamp_utc) > newest) newest = String(row.timestamp_utc);
        }
        looked = Number(last);
        // Rows lie in the order in which they came: after a page of young ones, all are.
        if (young === 1) more = false;
      }
    } while (more && budget.left());
    if (!more) looked = 0;
    if (deleted > 0) {
      outbox.removed(waited);
      const complete = addDays(dayAt(msOf(newest)), 1);
      if (complete > (completeFrom(store) ?? "")) store.setMeta(COMPLETE_FROM, complete);
    }
    return { deleted, more };
  };
}
