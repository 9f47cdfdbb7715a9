/**
 * Deletes old rows of a table that only grows, in slices. Rows that the cloud does not have yet, or has rejected, are
 * kept longer. A row counts as no older than the rows before it, whatever its timestamp says:
 *
 *     29 days   6 years   6 years   today     the clock was behind: nothing is deleted
 *     29 days   6 years   6 years   today     two days later the first three are deleted
 * @module
 */
import { type Budget, type Instant, instantOf, msOf, type PruneResult } from "../../core/mod.ts";
import type { Store } from "../store.ts";
import { MARKS, type TableOutbox, type TableOutboxOptions } from "./table_outbox.ts";

export interface RetentionOptions extends Pick<TableOutboxOptions, "table" | "settled"> {
  outbox: TableOutbox;
  /** The integer key in order of insertion: `seq`, or `rowid`. */
  key: string;
  /** The column that a row's age is computed from. */
  instant: string;
  retentionDays: number;
  /**
   * Retention of rows that wait for the cloud; `retentionDays` without a cloud. A smaller value has no effect: a pass
   * ends at the first row that is younger than `retentionDays`.
   */
  unsyncedDays: number;
  /** SQL condition of rows that may be deleted at all. */
  dispensable?: string;
  /** Called with the newest instant of the deleted rows, in the same `write`. */
  onDeleted?: (newest: Instant) => void;
}

const DAY_MS = 86_400_000;

/** Rows between two checks of the budget: 0.1 to 0.5 ms, a few ms when the pages are not cached. */
const PAGE_ROWS = 25;

/** Makes a stream's `prune`, which is called inside `write`. */
export function retention(
  store: Store,
  options: RetentionOptions,
): (now: Instant, budget: Budget) => PruneResult {
  const { outbox, table, key, instant, settled = "synced_at", dispensable = "TRUE" } = options;
  const { retentionDays, unsyncedDays, onDeleted = () => {} } = options;
  const { waiting } = MARKS[settled];
  const page = store.db.prepare(
    `SELECT max(at) AS last, min(at) FILTER (WHERE since >= ?2 AND since <= ?4) AS young,
       min(at) FILTER (WHERE since >= ?3 AND since <= ?4) AS recent
     FROM (SELECT ${key} AS at, ${instant} AS since FROM ${table} WHERE ${key} > ?1
           ORDER BY ${key} LIMIT ${PAGE_ROWS})`,
  );
  const remove = store.db.prepare(
    `DELETE FROM ${table}
     WHERE ${key} > ?1 AND ${key} < ?2
       AND CASE WHEN ${waiting} THEN ${instant} < ?4 AND ${key} < ?5 ELSE ${instant} < ?3 END
       AND ${dispensable}
     RETURNING ${instant} AS since, ${waiting} AND rejected_at IS NULL AS waited`,
  );
  /** The last key that the pass under way has read. */
  let looked = 0;
  /** The first row that is too young to be deleted while it waits for the cloud. */
  let firstRecent = Infinity;

  return (now, budget) => {
    const at = msOf(now);
    const cutoff = instantOf(at - retentionDays * DAY_MS);
    const unsyncedCutoff = instantOf(at - unsyncedDays * DAY_MS);
    // Rows from when the clock was ahead do not mean that all that follow are young.
    const future = instantOf(at + DAY_MS);
    let deleted = 0;
    let waited = 0;
    let newest = "";
    let more = true;
    do {
      const { last, young, recent } = page.get(looked, cutoff, unsyncedCutoff, future) ?? {};
      if (typeof last !== "number") more = false;
      else {
        if (typeof recent === "number") firstRecent = Math.min(firstRecent, recent);
        const end = typeof young === "number" ? young : last + 1;
        const kept = Math.min(firstRecent, end);
        for (const row of remove.all(looked, end, cutoff, unsyncedCutoff, kept)) {
          deleted++;
          waited += Number(row.waited);
          if (String(row.since) > newest) newest = String(row.since);
        }
        looked = last;
        // Rows are in order of insertion: all that follow are young, too.
        if (typeof young === "number") more = false;
      }
    } while (more && budget.left());
    if (!more) {
      looked = 0;
      firstRecent = Infinity;
    }
    outbox.removed(waited);
    if (deleted > 0) onDeleted(newest);
    return { deleted, more };
  };
}
