/**
 * Whether retention may go by the clock. What it deletes by a wrong one is gone, and what it keeps for a day too
 * long costs nothing.
 * @module
 */
import { type Clock, instantOf, logger, msOf } from "../../core/mod.ts";
import type { Store } from "../store.ts";

const DAY_MS = 86_400_000;
/** A leap ahead of more than this is doubted, while the agent runs or between two runs. So is a holiday, at no cost. */
const LEAP_MS = DAY_MS;
/** For how long the agent has to run then: by that time somebody, or a time server, has seen it. */
const DOUBT_MS = DAY_MS;

/** What the clock showed at the last look, and how long it is still in doubt: a restart begins neither again. */
const SEEN = "clock_seen_at";
const DOUBT = "clock_doubt_ms";

export class ClockTrust {
  readonly #store: Store;
  readonly #clock: Clock;
  /** The wall clock and the monotonic one at the last look. */
  #wallMs: number;
  #lookedMs: number;
  #doubtMs: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#wallMs = clock.now();
    this.#lookedMs = clock.monotonic();
    this.#doubtMs = Number(store.meta(DOUBT) ?? 0);
    const seen = store.meta(SEEN);
    if (seen !== undefined) this.#judge(this.#wallMs - msOf(seen));
  }

  /** Looks at the clock, and keeps what it shows for the next start. */
  async trusted(): Promise<boolean> {
    const passedMs = this.#clock.monotonic() - this.#lookedMs;
    const wallPassedMs = this.#clock.now() - this.#wallMs;
    this.#lookedMs += passedMs;
    this.#wallMs += wallPassedMs;
    this.#doubtMs = Math.max(0, this.#doubtMs - passedMs);
    this.#judge(wallPassedMs - passedMs);
    // Where that cannot be kept, the disk being full, retention is wanted all the same.
    await this.#store.write(() => {
      this.#store.setMeta(SEEN, instantOf(this.#wallMs));
      this.#store.setMeta(DOUBT, String(this.#doubtMs));
    }).catch(() => {});
    return this.#doubtMs === 0;
  }

  #judge(leapMs: number): void {
    if (leapMs <= LEAP_MS) return;
    this.#doubtMs = DOUBT_MS;
    logger("store").warn(
      "The clock is {days} days ahead of when it was last looked at. In case it is wrong, nothing old is deleted until the agent has run for a day",
      { days: Math.round(leapMs / DAY_MS) },
    );
  }
}
