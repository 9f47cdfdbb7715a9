/**
 * Who may be inside although no time says so: people who were last seen at a device with a wrong clock. When they were
 * there is known only by when the punch came.
 * @module
 */
import { type Clock, type Instant, instantOf, msOf } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import type { People } from "../storage/people.ts";
import { FOREVER } from "./direction_queue.ts";
import { LastPunches } from "./last_punches.ts";
import { Turns } from "./punch_reader.ts";

export interface Uncertain {
  personId: string;
  deviceSn: string;
  receivedAt: Instant;
}

export interface UncertainOptions {
  people: People;
  clock: Clock;
  maxStayMs: number;
}

/** Rows looked through between two looks at the clock: less than 1 ms. */
const STEP_ROWS = 1_000;

export class UncertainReader {
  readonly #options: UncertainOptions;
  readonly #last: LastPunches;
  readonly #newest: Statement;
  readonly #suspect: Statement;

  constructor(store: Store, options: UncertainOptions) {
    const { db } = store;
    this.#options = options;
    this.#last = new LastPunches(store, options.people);
    this.#newest = db.prepare(
      "SELECT seq, received_at FROM device_logs WHERE seq <= ? ORDER BY seq DESC LIMIT 1",
    );
    this.#suspect = db.prepare(
      `SELECT person_id, device_sn, received_at, direction FROM device_logs
       WHERE seq > ? AND seq <= ? AND received_at >= ? AND time_suspect = 1 AND struck_by IS NULL
       ORDER BY seq DESC`,
    );
  }

  /** Those whose newest punch, by its arrival, has no time, unless its door was an exit. */
  async read(): Promise<Uncertain[]> {
    const { people, clock, maxStayMs } = this.#options;
    const since = instantOf(clock.now() - maxStayMs);
    const found: Uncertain[] = [];
    const seen = new Set<string>();
    const turns = new Turns();
    let row = this.#newest.get(Number.MAX_SAFE_INTEGER);
    while (row && String(row.received_at) >= since) {
      const from = Number(row.seq) - STEP_ROWS;
      for (const punch of this.#suspect.all(from, Number(row.seq), since)) {
        const personId = people.personOf(String(punch.person_id));
        if (seen.has(personId)) continue;
        seen.add(personId);
        const receivedAt = String(punch.received_at);
        if (punch.direction === "out" || this.#isSeenSince(personId, receivedAt)) continue;
        found.push({ personId, deviceSn: String(punch.device_sn), receivedAt });
      }
      await turns.turn();
      row = this.#newest.get(from);
    }
    return found;
  }

  /** Whether a punch with a right time says more. */
  #isSeenSince(personId: string, receivedAt: Instant): boolean {
    const last = this.#last.before(personId, FOREVER);
    return last !== null && last.atMs >= msOf(receivedAt);
  }
}
