/**
 * A limit on how long work is awaited: a time, a signal, or both. Work that continues afterwards is abandoned, and what
 * it throws then is ignored.
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

export interface DeadlineOptions {
  /** Milliseconds until the deadline (default: only `signal` ends the wait). */
  ms?: number;
  /** Ends the wait when it aborts. */
  signal?: AbortSignal;
  /** Milliseconds that the work has left after `signal` has aborted. */
  graceMs?: number;
  /** The message of the `TimeoutError`. */
  message?: string;
  clock?: Clock;
}

/**
 *     using deadline = new Deadline({ ms: 10_000, signal: stop });
 *     const answer = await deadline.limit(ask({ signal: deadline.signal }));
 *
 * Disposing it clears its timers and listeners.
 */
export class Deadline implements Disposable {
  readonly #passed = new AbortController();
  readonly #disposed = new AbortController();
  readonly #rejection = Promise.withResolvers<never>();
  readonly #clock: Clock;

  constructor({ ms, signal, graceMs = 0, message, clock = systemClock }: DeadlineOptions) {
    this.#clock = clock;
    this.#rejection.promise.catch(() => {});
    if (ms !== undefined) {
      const text = message ?? `no answer within ${ms / 1_000} s`;
      void this.#passAfter(ms, () => new DOMException(text, "TimeoutError"));
    }
    if (!signal) return;
    const onAbort = () => {
      if (graceMs > 0) void this.#passAfter(graceMs, () => signal.reason);
      else this.#pass(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true, signal: this.#disposed.signal });
  }

  /** Aborts at the deadline: with a `TimeoutError`, or with the reason of the signal given. */
  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  /** The work's result, or a rejection with `signal.reason` at the deadline. */
  limit<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#rejection.promise, work]);
  }

  /** Whether the work ended before the deadline; rejects when the work does. */
  async met(work: Promise<unknown>): Promise<boolean> {
    try {
      await this.limit(work);
      return true;
    } catch (error) {
      if (this.signal.aborted) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
  }

  async #passAfter(ms: number, reason: () => unknown): Promise<void> {
    const { signal } = this.#disposed;
    await this.#clock.wait(ms, { signal });
    if (!signal.aborted) this.#pass(reason());
  }

  #pass(reason: unknown): void {
    // Before the signal: the work may reject with an error of its own when that aborts.
    this.#rejection.reject(reason);
    this.#passed.abort(reason);
  }
}
