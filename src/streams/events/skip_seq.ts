/**
 * Event numbers after a restore. A reader or the cloud may have seen the numbers of lost events. If new events had the same
 * numbers, a reader that resumes after them would miss the new ones. Numbering continues at the next multiple of
 * 1 000 000 000:
 *
 *     … 848 849 850 │ lost: 851 … ? │ 1000000001 1000000002 …
 *
 * A gap is harmless: readers ask for events after a number.
 * @module
 */
import type { Store } from "../../store/mod.ts";

const STEP = 1_000_000_000;
const FLOOR = "event_seq_floor";

/** Every new number is above it; 0 before the first restore. */
export function seqFloor(store: Store): number {
  return Number(store.meta(FLOOR) ?? 0);
}

/**
 * Skips every number that lost events may have: at least half a step, which is more than a day's events.
 * Called inside `write`, before the log is opened.
 */
export function skipSeqAfterRestore(store: Store): void {
  const known = store.db.prepare(
    `SELECT max(coalesce((SELECT max(seq) FROM local_events), 0),
                coalesce((SELECT max(last_seq) FROM local_flush_log), 0)) AS seq`,
  ).get();
  const last = Math.max(Number(known?.seq), seqFloor(store));
  store.setMeta(FLOOR, String(Math.ceil((last + STEP / 2) / STEP) * STEP));
}
