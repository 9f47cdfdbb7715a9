/**
 * Who may be inside although no time says so: people who were last seen at a device with a wrong clock. When they were
 * there is known only by when the punch came.
 * @module
 */
import { type Clock, type Instant, instantOf, msOf } from "../../../core/mod.ts";
import type { Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { FOREVER } from "./direction_queue.ts";
import { LastPunches } from "./last_punches.ts";
import { Turns } from "./punch_reader.ts";

export interface Uncertain {
  personId: string;
  deviceSn: string;
  receivedAt: Instant;
}

/** Rows read between two looks at the clock: less than 1 ms. */
const PAGE_ROWS = 200;

/** @returns what finds those whose newest punch, by its arrival, has no time, unless its door was an exit */
export function uncertainReader(
  store: Store,
  { people, clock, maxStayMs }: { people: People; clock: Clock; maxStayMs: number },
): () => Promise<Uncertain[]> {
  const newest = new LastPunches(store, people);
  const suspect = store.db.prepare(
    `SELECT seq, person_id, device_sn, received_at, direction, struck_by
     FROM device_logs INDEXED BY device_logs_suspect
     WHERE seq < ? AND time_suspect = 1 ORDER BY seq DESC LIMIT ${PAGE_ROWS}`,
  );
  /** Whether a punch with a right time says more. */
  const isSeenSince = (personId: string, receivedAt: Instant) => {
    const last = newest.before(personId, FOREVER);
    return last !== null && last.atMs >= msOf(receivedAt);
  };
  return async () => {
    const since = instantOf(clock.now() - maxStayMs);
    const found: Uncertain[] = [];
    const seen = new Set<string>();
    const turns = new Turns();
    for (let before = Number.MAX_SAFE_INTEGER, more = true; more;) {
      const page = suspect.all(before);
      for (const punch of page) {
        before = Number(punch.seq);
        const receivedAt = String(punch.received_at);
        // Rows are in the order of arrival, but a step of the clock may put a newer one behind an older one.
        if (receivedAt < since || punch.struck_by !== null) continue;
        const personId = people.personOf(String(punch.person_id));
        if (seen.has(personId)) continue;
        seen.add(personId);
        if (punch.direction === "out" || isSeenSince(personId, receivedAt)) continue;
        found.push({ personId, deviceSn: String(punch.device_sn), receivedAt });
      }
      more = page.length === PAGE_ROWS && String(page.at(-1)!.received_at) >= since;
      await turns.turn();
    }
    return found;
  };
}
