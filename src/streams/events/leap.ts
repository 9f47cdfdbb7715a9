/**
 * Numbers after a repair. What was lost may have been given numbers that a reader or the cloud has seen; were they
 * given again, whoever asks for what comes after them would miss the new events without a word. So the numbers go
 * on at the next thousand million:
 *
 *     … 848 849 850 │ lost: 851 … ? │ 1000000001 1000000002 …
 *
 * A gap is harmless: readers ask for what comes after a number, never for the number itself.
 * @module
 */
import type { Store } from "../../store/mod.ts";

const LEAP = 1_000_000_000;
const FLOOR = "event_seq_floor";

/** Every new number is above it; 0 while nothing was ever lost. */
export function seqFloor(store: Store): number {
  return Number(store.meta(FLOOR) ?? 0);
}

/**
 * Leaves behind every number that may have been given: half a leap at the least is more than a day's events.
 * Called inside `write`, before the log is opened.
 */
export function leapSeq(store: Store): void {
  const known = store.db.prepare(
    `SELECT max(coalesce((SELECT max(seq) FROM local_events), 0),
                coalesce((SELECT max(last_seq) FROM local_flush_log), 0)) AS seq`,
  ).get();
  const last = Math.max(Number(known?.seq), seqFloor(store));
  store.setMeta(FLOOR, String(Math.ceil((last + LEAP / 2) / LEAP) * LEAP));
}
