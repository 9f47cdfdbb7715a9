/**
 * Whether retention may go by the clock. What it deletes by a wrong one is gone, and what it keeps for a day too
 * long costs nothing.
 * @module
 */
import { type Clock, instantOf, logger, msOf } from "../core/mod.ts";
import type { Store } from "./store.ts";

const DAY_MS = 86_400_000;
/** A leap of more than this while the agent runs is doubted. A laptop that sleeps for longer leaps too. */
const LEAP_MS = DAY_MS;
/** So is a start this long after the last time the agent ran: its clock may have been set wrong meanwhile. */
const ABSENCE_MS = 30 * DAY_MS;
/** For how long: by then somebody, or a time server, has seen it. */
const DOUBT_MS = DAY_MS;

const SEEN = "clock_seen_at";

export class ClockTrust {
  readonly #store: Store;
  readonly #clock: Clock;
  #ahead: number;
  #doubtedUntil = -Infinity;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#ahead = this.#wallAhead();
    const seen = store.meta(SEEN);
    if (seen !== undefined) this.#judge(clock.now() - msOf(seen), ABSENCE_MS);
  }

  /** Looks at the clock, and keeps what it shows for the next start. */
  async trusted(): Promise<boolean> {
    const ahead = this.#wallAhead();
    this.#judge(ahead - this.#ahead, LEAP_MS);
    this.#ahead = ahead;
    if (this.#clock.monotonic() < this.#doubtedUntil) return false;
    await this.#store.write(() => this.#store.setMeta(SEEN, instantOf(this.#clock.now())));
    return true;
  }

  #judge(leapMs: number, mostMs: number): void {
    if (leapMs <= mostMs) return;
    this.#doubtedUntil = this.#clock.monotonic() + DOUBT_MS;
    logger("store").warn(
      "The clock is {days} days ahead of when it was last looked at. In case it is wrong, nothing old is deleted for a day",
      { days: Math.round(leapMs / DAY_MS) },
    );
  }

  #wallAhead(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}
