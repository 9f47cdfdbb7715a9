/**
 * Saying once what can happen a thousand times a second: whoever is refused must not be able to fill the log.
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

export interface SeldomOptions {
  /** How long nothing is said of a thing after it was said, and how often it is said before that. */
  intervalMs?: number;
  burst?: number;
  clock?: Clock;
}

interface Told {
  since: number;
  said: number;
  unsaid: number;
}

export class Seldom {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();

  constructor({ intervalMs = 600_000, burst = 1, clock = systemClock }: SeldomOptions = {}) {
    this.#intervalMs = intervalMs;
    this.#burst = burst;
    this.#clock = clock;
  }

  /**
   * Says a thing, or counts it when it was said not long ago.
   * @param thing one of a few, never what a caller sent: each is remembered
   * @param say gets words for how often it happened since it was last said: empty, or ` (41 more since)`
   */
  say(thing: string, say: (more: string) => void): void {
    const now = this.#clock.monotonic();
    let told = this.#told.get(thing);
    const more = told?.unsaid ?? 0;
    if (!told || now - told.since >= this.#intervalMs) {
      told = { since: now, said: 0, unsaid: 0 };
      this.#told.set(thing, told);
    } else if (told.said >= this.#burst) {
      told.unsaid++;
      return;
    }
    told.said++;
    say(told.said === 1 && more > 0 ? ` (${more} more since)` : "");
  }
}
