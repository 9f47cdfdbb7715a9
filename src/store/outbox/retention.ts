/**
 * Old rows of a table that only grows go, in slices. What the cloud does not have yet, or has refused, is kept
 * longer. A row is no older than what came before it, whatever the clock showed when it came:
 *
 *     29 days   6 years   6 years   today     the clock was behind: nothing goes
 *     29 days   6 years   6 years   today     two days later the first three go
 * @module
 */
import { type Budget, type Instant, instantOf, msOf, type PruneResult } from "../../core/mod.ts";
import type { Store } from "../store.ts";
import { MARKS, type TableOutbox, type TableOutboxOptions } from "./table_outbox.ts";

export interface RetentionOptions extends Pick<TableOutboxOptions, "table" | "settled"> {
  outbox: TableOutbox;
  /** The integer key in whose order the rows came: `seq`, or `rowid`. */
  key: string;
  /** The column whose instant is a row's age. */
  instant: string;
  retentionDays: number;
  /**
   * For how long a row that waits for the cloud is kept; as `retentionDays` without a cloud. Less than that changes
   * nothing: a pass ends at the first row that is younger than `retentionDays`.
   */
  unsyncedDays: number;
  /** SQL that is true of a row that may go, whatever its age. */
  dispensable?: string;
  /** Told the newest instant of what was deleted, in the same `write`. */
  onDeleted?: (newest: Instant) => void;
}

const DAY_MS = 86_400_000;

/** Rows looked at between two looks at the budget: some tenths of a millisecond, or a few where none is in memory. */
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
  /** Up to where the pass that is under way has looked. */
  let looked = 0;
  /** The first row that is too young to go while it waits for the cloud. */
  let firstRecent = Infinity;

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
        // Rows lie in the order in which they came: all that follow are young, too.
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
