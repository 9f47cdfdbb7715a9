/** Pages of device events: no index leads to those of a person. @module */
import type { Store } from "../../../store/mod.ts";

/** Rows that are looked at in one statement: about 1 ms. */
const PAGE_ROWS = 1_000;

/** The last key of the page of events after a key; undefined after the last one. */
export function eventPageEnd(db: Store["db"]): (from: number) => number | undefined {
  const end = db.prepare(
    `SELECT max(seq) AS seq FROM (SELECT seq FROM device_events WHERE seq > ? ORDER BY seq LIMIT ${PAGE_ROWS})`,
  );
  return (from) => {
    const seq = end.get(from)?.seq;
    return typeof seq === "number" ? seq : undefined;
  };
}
