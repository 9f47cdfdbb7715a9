/**
 * Event-loop delay: how late timers fire. Sampled every 2 s while idle, because a wake-up costs about 0.4 ms of
 * processor time; every 2 ms after work began (a request, a write), then at growing intervals.
 *
 *     work     ▼                  ▼▼▼▼▼▼▼
 *     samples  ╵╵  ╵          ╵   ╵╵╵╵╵╵╵╵  ╵          ╵                    ╵
 * @module
 */
import { type Clock, every, systemClock } from "../core/mod.ts";

/** Upper bounds of the histogram's buckets in milliseconds; later timers count in the total only. */
export const DELAY_BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000] as const;

/** Delay from which the machine is taken to have slept. */
const ASLEEP_MS = 30_000;
const INTERVAL_MS = 2_000;
/** First interval after work; each further one without work is `FARTHER` times as long, up to `FAR_MS`. */
const CLOSE_MS = 2;
const FARTHER = 10;
const FAR_MS = 200;
/** A maximum is kept for one to two of these windows. */
const WINDOW_MS = 60_000;

export class LoopDelay {
  readonly #clock: Clock;
  /** Ticks per bucket, not cumulated. */
  readonly #buckets: number[] = DELAY_BUCKETS_MS.map(() => 0);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  #previousMaxMs = 0;
  #running: AbortSignal | undefined;
  #watching = false;
  #worked = false;
  /** Aborts a longer wait when there is work again. */
  #far: AbortController | undefined;

  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Measures until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    this.#running = signal;
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
      this.#add(lateMs);
    }, { signal, name: "loop-delay", clock, later: true });
    this.#far?.abort();
  }

  /** Work begins that may hold the event loop. Cheap: call it for every request and write. */
  working(): void {
    this.#worked = true;
    if (this.#watching) this.#far?.abort();
    else if (this.#running && !this.#running.aborted) {
      this.#watching = true;
      void this.#watchClosely(this.#running);
    }
  }

  /** The latest timer of the last minute or two, in milliseconds. */
  get maxMs(): number {
    return Math.max(this.#maxMs, this.#previousMaxMs);
  }

  /** Since the start: samples up to each of {@link DELAY_BUCKETS_MS}, all samples, the sum of their delays. */
  histogram(): { cumulated: number[]; count: number; sumMs: number } {
    let below = 0;
    return {
      cumulated: this.#buckets.map((count) => below += count),
      count: this.#count,
      sumMs: this.#sumMs,
    };
  }

  /** Samples until there was no work for `FAR_MS`. One at a time. */
  async #watchClosely(signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    for (let step = CLOSE_MS; step <= FAR_MS && !signal.aborted;) {
      this.#worked = false;
      const far = this.#far = step > CLOSE_MS ? new AbortController() : undefined;
      const due = clock.monotonic() + step;
      await clock.wait(step, far);
      if (!far?.signal.aborted) this.#add(Math.max(0, clock.monotonic() - due));
      step = this.#worked ? CLOSE_MS : step * FARTHER;
    }
    this.#far = undefined;
    this.#watching = false;
  }

  #add(lateMs: number): void {
    if (lateMs >= ASLEEP_MS) return;
    this.#count++;
    this.#sumMs += lateMs;
    this.#maxMs = Math.max(this.#maxMs, lateMs);
    const bucket = DELAY_BUCKETS_MS.findIndex((bound) => lateMs <= bound);
    if (bucket >= 0) this.#buckets[bucket]!++;
  }
}
