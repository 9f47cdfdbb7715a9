/**
 * Event numbers after a restore. Lost events may have had numbers that a reader or the cloud has seen; were those given
 * again, a reader that asks for what comes after them would miss the new events. So numbering continues at the next
 * multiple of 1 000 000 000:
 *
 *     … 848 849 850 │ lost: 851 … ? │ 1000000001 1000000002 …
 *
 * A gap is harmless: readers ask for what comes after a number, never for the number itself.
 * @module
 */
import type { Store } from "../../store/mod.ts";

const STEP = 1_000_000_000;
const FLOOR = "event_seq_floor";

/** Every new number is above it; 0 while nothing was ever lost. */
export function seqFloor(store: Store): number {
  return Number(store.meta(FLOOR) ?? 0);
}

/**
 * Skips every number that may have been given: at least half a step, which is more than a day's events.
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
