/**
 * How long punches, what devices told besides, and the quarantine are kept. A punch that waits for a cloud, or for
 * someone to decide about its rejection, stays longer.
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
import { retention, type Store, type TableOutbox } from "../../store/mod.ts";

export interface AttendanceRetention {
  outbox: TableOutbox;
  retentionDays: number;
  /** For how long a punch that waits for the cloud is kept; as `retentionDays` without a cloud. */
  unsyncedDays: number;
  /** Where the quarantine's files lie. */
  folder: string;
}

const DAY_MS = 86_400_000;
/** Rows deleted between two looks at the budget. */
const STEP_ROWS = 100;

/** @returns the stream's `prune`, called inside `write` */
export function attendanceRetention(
  store: Store,
  { outbox, retentionDays, unsyncedDays, folder }: AttendanceRetention,
): (now: Instant, budget: Budget) => PruneResult {
  const prunePunches = retention(store, {
    table: "device_logs",
    key: "seq",
    instant: "received_at",
    outbox,
    retentionDays,
    unsyncedDays,
  });
  const oldest = (table: string) =>
    `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table} ORDER BY seq LIMIT ${STEP_ROWS})
       AND received_at < ?`;
  const removeEvents = store.db.prepare(oldest("device_events"));
  const removeEntries = store.db.prepare(`${oldest("device_quarantine")} RETURNING file`);

  return (now, budget) => {
    const before = instantOf(msOf(now) - retentionDays * DAY_MS);
    let deleted = 0;
    let more: boolean;
    do {
      const events = Number(removeEvents.run(before).changes);
      const entries = removeEntries.all(before);
      store.afterCommit(() => removeFiles(folder, entries.map(({ file }) => file)));
      deleted += events + entries.length;
      more = events === STEP_ROWS || entries.length === STEP_ROWS;
    } while (more && budget.left());
    const punches = prunePunches(now, budget);
    return { deleted: deleted + punches.deleted, more: more || punches.more };
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
