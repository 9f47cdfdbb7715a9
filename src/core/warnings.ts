/**
 * What a person should know about and may have to mend, one entry a matter, until it is over.
 * Shown in `/status`, on the dashboard and by `clockblock status`; logged when it begins and when it ends.
 * @module
 */
import { type Clock, type Instant, instantOf, systemClock } from "./clock.ts";
import { logger } from "./log.ts";

export interface Warning {
  /** Stable name of the matter: `processes`, `database-restored`, `sync.playtime`. */
  code: string;
  /** What is wrong and what to do, in a sentence. */
  message: string;
  since: Instant;
}

export class Warnings {
  readonly #entries = new Map<string, Warning>();
  readonly #clock: Clock;

  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** Raises a warning, or changes its words; the same words again are no news. */
  raise(code: string, message: string): void {
    const known = this.#entries.get(code);
    if (known?.message === message) return;
    this.#entries.set(code, { code, message, since: known?.since ?? instantOf(this.#clock.now()) });
    logger("warnings").warn("{message}", { code, message });
  }

  /** The matter is over. */
  clear(code: string): void {
    if (!this.#entries.delete(code)) return;
    logger("warnings").info("Over: {code}", { code });
  }

  /** What stands, oldest first. */
  list(): Warning[] {
    return [...this.#entries.values()];
  }
}
