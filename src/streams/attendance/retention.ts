/**
 * How long punches, events and the quarantine are kept. A punch that waits for a cloud, or for someone to
 * decide about its rejection, stays longer.
 * @module
 */
import {
  type Budget,
  type Instant,
  instantOf,
  logger,
  msOf,
  type PruneResult,
} from "../../core/mod.ts";
import type { Store, TableOutbox } from "../../store/mod.ts";

export interface RetentionOptions {
  store: Store;
  outbox: TableOutbox;
  retentionDays: number;
  retentionUnsyncedDays: number;
  /** Whether there is a cloud that waiting punches wait for. */
  cloud: boolean;
  /** Where the quarantine's files lie. */
  folder: string;
}

const DAY_MS = 86_400_000;
/** Rows looked at between two looks at the clock. */
const STEP_ROWS = 100;

/** @returns the stream's `prune`, called inside `write` */
export function retention(
  options: RetentionOptions,
): (now: Instant, budget: Budget) => PruneResult {
  const { store, outbox, retentionDays, retentionUnsyncedDays, cloud, folder } = options;
  const { db } = store;
  // Rows lie in the order in which they came, so that a walk from the start meets the oldest first.
  const step = db.prepare(
    `SELECT seq, received_at, synced_at IS NULL AND rejected_at IS NULL AS waiting,
       synced_at IS NULL AS unsynced FROM device_logs WHERE seq > ? ORDER BY seq LIMIT ${STEP_ROWS}`,
  );
  const remove = db.prepare(
    "DELETE FROM device_logs WHERE seq IN (SELECT value FROM json_each(?))",
  );
  const removeEvents = db.prepare(
    `DELETE FROM device_events WHERE seq IN (
       SELECT seq FROM device_events ORDER BY seq LIMIT ${STEP_ROWS}) AND received_at < ?`,
  );
  const removeEntries = db.prepare(
    `DELETE FROM device_quarantine WHERE seq IN (
       SELECT seq FROM device_quarantine ORDER BY seq LIMIT ${STEP_ROWS}) AND received_at < ?
     RETURNING file`,
  );
  /** How far the walk has come: what was kept is not looked at again in the same round. */
  let walked = 0;

  return (now, budget) => {
    const daysAgo = (days: number) => instantOf(msOf(now) - days * DAY_MS);
    const before = daysAgo(retentionDays);
    const unsyncedBefore = cloud ? daysAgo(Math.max(retentionDays, retentionUnsyncedDays)) : before;
    let deleted = 0;
    do {
      const events = Number(removeEvents.run(before).changes);
      const entries = removeEntries.all(before);
      store.afterCommit(() => removeFiles(folder, entries.map(({ file }) => file)));

      const rows = step.all(walked);
      const old = rows.filter((row) =>
        String(row.received_at) < (row.unsynced ? unsyncedBefore : before)
      );
      if (old.length > 0) {
        remove.run(JSON.stringify(old.map(({ seq }) => seq)));
        outbox.removed(old.filter(({ waiting }) => waiting).length);
      }
      deleted += events + entries.length + old.length;
      walked = Number(rows.at(-1)?.seq ?? 0);
      const young = rows.length < STEP_ROWS || String(rows.at(-1)!.received_at) >= before;
      if (young) walked = 0;
      if (young && events < STEP_ROWS && entries.length < STEP_ROWS) {
        return { deleted, more: false };
      }
    } while (budget.left());
    return { deleted, more: true };
  };
}

function removeFiles(folder: string, files: readonly unknown[]): void {
  for (const file of files) {
    if (typeof file !== "string") continue;
    Deno.remove(`${folder}/${file}`).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return;
      logger("attendance").warn("Cannot remove {file} from the quarantine: {error}", {
        file,
        error,
      });
    });
  }
}
