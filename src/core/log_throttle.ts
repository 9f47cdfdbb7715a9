/** Limits how often a log line is written: a refused caller must not fill the log. @module */
import { type Clock, systemClock } from "./time/clock.ts";

interface Window {
  beganMs: number;
  logged: number;
  dropped: number;
}

export class LogThrottle {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  /** @param options `burst`: lines for a key in each window of `intervalMs` */
  constructor({ intervalMs = 600_000, burst = 1, clock = systemClock } = {}) {
    this.#intervalMs = intervalMs;
    this.#burst = burst;
    this.#clock = clock;
  }

  /**
   * Writes a line, or counts it when the key's window is full.
   * @param key from a fixed set: every distinct key is kept in memory
   * @param write gets a suffix with the number of dropped lines: empty, or ` (41 more since)`
   */
  log(key: string, write: (more: string) => void): void {
    const nowMs = this.#clock.monotonic();
    let window = this.#windows.get(key);
    const dropped = window?.dropped ?? 0;
    if (!window || nowMs - window.beganMs >= this.#intervalMs) {
      window = { beganMs: nowMs, logged: 0, dropped: 0 };
      this.#windows.set(key, window);
    } else if (window.logged >= this.#burst) {
      window.dropped++;
      return;
    }
    window.logged++;
    write(window.logged === 1 && dropped > 0 ? ` (${dropped} more since)` : "");
  }
}
