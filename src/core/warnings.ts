/**
 * What a person should know about and may have to repair: one entry a problem, until it is over.
 * Shown in `/status`, on the dashboard and by `clockblock status`; logged when it begins and when it ends.
 * @module
 */
import { type Clock, type Instant, instantOf, systemClock } from "./time/clock.ts";
import type { Hub } from "./hub.ts";
import { logger } from "./log.ts";
import { LogThrottle } from "./log_throttle.ts";

export interface RaisedWarning {
  /** Stable name of the problem: `processes`, `database-restored`, `sync.playtime`. */
  code: string;
  /** What is wrong and what to do, in a sentence. */
  message: string;
  since: Instant;
}

export class Warnings {
  readonly #entries = new Map<string, RaisedWarning>();
  readonly #clock: Clock;
  readonly #hub: Hub | undefined;
  /** Keeps a problem that a device causes repeatedly from filling the log. */
  readonly #logThrottle: LogThrottle;

  /** @param options `hub` publishes the list whenever it changes. */
  constructor({ clock = systemClock, hub }: { clock?: Clock; hub?: Hub } = {}) {
    this.#clock = clock;
    this.#hub = hub;
    this.#logThrottle = new LogThrottle({ intervalMs: 60_000, burst: 5, clock });
  }

  /** Raises a warning, or changes its words; the same words again are no news. */
  raise(code: string, message: string): void {
    const known = this.#entries.get(code);
    if (known?.message === message) return;
    this.#entries.set(code, { code, message, since: known?.since ?? instantOf(this.#clock.now()) });
    this.#logThrottle.log(code, (more) => {
      logger("warnings").warn("{message}{more}", { code, message, more });
    });
    this.#hub?.publish("warnings", this.list());
  }

  /** The problem is over. */
  clear(code: string): void {
    if (!this.#entries.delete(code)) return;
    this.#logThrottle.log(`over ${code}`, (more) => {
      logger("warnings").info("Over: {code}{more}", { code, more });
    });
    this.#hub?.publish("warnings", this.list());
  }

  /** How many are raised. */
  get size(): number {
    return this.#entries.size;
  }

  /** Those that are raised, oldest first. */
  list(): RaisedWarning[] {
    return [...this.#entries.values()];
  }
}
