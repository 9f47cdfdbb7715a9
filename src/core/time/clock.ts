/**
 * Time as an option: everything that needs the time or waits for it is handed a clock, so that a test
 * can run a month in a second.
 * @module
 */

/** A point in time as the database and the API write it: ISO 8601, UTC, milliseconds. Sorts as text. */
export type Instant = string;

/** Where time comes from. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, UTC. It may jump either way. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when `signal` aborts: a waiter looks at its signal afterwards. */
  wait(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait(ms, { signal } = {}) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};

/** The instant of a wall-clock time in milliseconds. */
export function instantOf(ms: number): Instant {
  return new Date(ms).toISOString();
}

/** The wall-clock time of an instant, in milliseconds. */
export function msOf(instant: Instant): number {
  return Date.parse(instant);
}
