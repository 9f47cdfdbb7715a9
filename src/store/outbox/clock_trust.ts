/**
 * Whether retention may rely on the wall clock: what it deletes because of a wrong one is lost, what it keeps for a day
 * too long costs nothing.
 * @module
 */
import { type Clock, instantOf, logger, msOf } from "../../core/mod.ts";
import type { Store } from "../store.ts";

const DAY_MS = 86_400_000;
/** A clock that is ahead by more than this, while the agent runs or since it last ran, is in doubt. */
const MAX_AHEAD_MS = DAY_MS;
/** Running time until it is trusted again: by then a user or a time server has corrected it. */
const DOUBT_MS = DAY_MS;

/** What the clock showed last, and the remaining time in doubt: both survive a restart. */
const SEEN = "clock_seen_at";
const DOUBT = "clock_doubt_ms";

export class ClockTrust {
  readonly #store: Store;
  readonly #clock: Clock;
  /** The wall clock and the monotonic clock at the last check. */
  #wallMs: number;
  #checkedMs: number;
  #doubtMs: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#wallMs = clock.now();
    this.#checkedMs = clock.monotonic();
    this.#doubtMs = Number(store.meta(DOUBT) ?? 0);
    const seen = store.meta(SEEN);
    if (seen !== undefined) this.#judge(this.#wallMs - msOf(seen));
  }

  /** Checks the clock, and stores what it shows for the next start. */
  async trusted(): Promise<boolean> {
    const passedMs = this.#clock.monotonic() - this.#checkedMs;
    const wallPassedMs = this.#clock.now() - this.#wallMs;
    this.#checkedMs += passedMs;
    this.#wallMs += wallPassedMs;
    this.#doubtMs = Math.max(0, this.#doubtMs - passedMs);
    this.#judge(wallPassedMs - passedMs);
    // A full disk must not stop retention.
    await this.#store.write(() => {
      this.#store.setMeta(SEEN, instantOf(this.#wallMs));
      this.#store.setMeta(DOUBT, String(this.#doubtMs));
    }).catch(() => {});
    return this.#doubtMs === 0;
  }

  #judge(aheadMs: number): void {
    if (aheadMs <= MAX_AHEAD_MS) return;
    this.#doubtMs = DOUBT_MS;
    logger("store").warn(
      "The clock is {days} days ahead of when it was last looked at. In case it is wrong, nothing old is deleted until the agent has run for a day",
      { days: Math.round(aheadMs / DAY_MS) },
    );
  }
}
