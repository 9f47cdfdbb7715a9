/**
 * How late timers fire: the time that something else held the event loop. A sample a second: waking an idle
 * machine costs some 0.4 ms of processor time, which at five a second was most of what the agent cost.
 * @module
 */
import { type Clock, every, systemClock } from "../core/mod.ts";

/** Upper bounds of the histogram's buckets in milliseconds; what is later is counted in the total only. */
export const DELAY_BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000] as const;

/** A timer later than this was not held up: the machine slept. */
const ASLEEP_MS = 30_000;
const INTERVAL_MS = 1_000;
/** How long a maximum is remembered: between one and two of these. */
const WINDOW_MS = 60_000;

export class LoopDelay {
  readonly #clock: Clock;
  /** Ticks per bucket, not cumulated. */
  readonly #buckets: number[] = DELAY_BUCKETS_MS.map(() => 0);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  #previousMaxMs = 0;

  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Measures until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    let due = clock.monotonic() + INTERVAL_MS;
    let windowEnds = due + WINDOW_MS;
    await every(INTERVAL_MS, () => {
      const now = clock.monotonic();
      const lateMs = Math.max(0, now - due);
      due += INTERVAL_MS * (1 + Math.floor(lateMs / INTERVAL_MS));
      if (now >= windowEnds) {
        windowEnds = now + WINDOW_MS;
        this.#previousMaxMs = this.#maxMs;
        this.#maxMs = 0;
      }
      if (lateMs < ASLEEP_MS) this.#add(lateMs);
    }, { signal, name: "loop-delay", clock, later: true });
  }

  /** The latest timer of the last minute or two, in milliseconds. */
  get maxMs(): number {
    return Math.max(this.#maxMs, this.#previousMaxMs);
  }

  /** Since the start: ticks at most as late as each of {@link DELAY_BUCKETS_MS}, all ticks, their sum. */
  histogram(): { cumulated: number[]; count: number; sumMs: number } {
    let below = 0;
    return {
      cumulated: this.#buckets.map((count) => below += count),
      count: this.#count,
      sumMs: this.#sumMs,
    };
  }

  #add(lateMs: number): void {
    this.#count++;
    this.#sumMs += lateMs;
    this.#maxMs = Math.max(this.#maxMs, lateMs);
    const bucket = DELAY_BUCKETS_MS.findIndex((bound) => lateMs <= bound);
    if (bucket >= 0) this.#buckets[bucket]!++;
  }
}
