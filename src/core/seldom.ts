/**
 * Saying once what can happen a thousand times a second: whoever is refused must not be able to fill the log.
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

export interface SeldomOptions {
  /** How long nothing is said of a thing after it was said. */
  intervalMs?: number;
  clock?: Clock;
}

interface Told {
  at: number;
  unsaid: number;
}

export class Seldom {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #told = new Map<string, Told>();

  constructor({ intervalMs = 600_000, clock = systemClock }: SeldomOptions = {}) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /**
   * Says a thing, or counts it when it was said not long ago.
   * @param thing one of a few, never what a caller sent: each is remembered
   * @param say gets words for how often it happened since it was last said: empty, or ` (41 more since)`
   */
  say(thing: string, say: (more: string) => void): void {
    const now = this.#clock.monotonic();
    const told = this.#told.get(thing);
    if (told && now - told.at < this.#intervalMs) {
      told.unsaid++;
      return;
    }
    this.#told.set(thing, { at: now, unsaid: 0 });
    say(told && told.unsaid > 0 ? ` (${told.unsaid} more since)` : "");
  }
}
