/**
 * A clock that stands still until a test moves it.
 * @module
 */
import type { Clock } from "../../../src/core/mod.ts";

interface Sleeper {
  due: number;
  wake: () => void;
}

export class FakeClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #sleepers: Sleeper[] = [];

  constructor(start: string | number = "2026-03-02T12:00:00.000Z") {
    this.#wallMs = typeof start === "number" ? start : Date.parse(start);
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  wait(ms: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = { due: this.#monotonicMs + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      }, { once: true });
    });
  }

  /** Lets time pass: wakes every sleeper in order, and lets each do its work before time goes on. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms;
    await settled();
    for (;;) {
      const next = this.#sleepers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#pass(Math.max(0, next.due - this.#monotonicMs));
      next.wake();
      await settled();
    }
    this.#pass(end - this.#monotonicMs);
  }

  /** The machine sleeps: the wall clock goes on, timers do not notice until it wakes. */
  async sleep(ms: number): Promise<void> {
    this.#pass(ms);
    await this.advance(0);
  }

  /** Someone sets the wall clock; timers do not care. */
  set(to: string | number): void {
    this.#wallMs = typeof to === "number" ? to : Date.parse(to);
  }

  /** How many waits are pending: 0 once every loop has ended. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  #pass(ms: number): void {
    this.#wallMs += ms;
    this.#monotonicMs += ms;
  }
}

/** Lets promises and immediate callbacks that are ready run: enough for work that touches only memory and SQLite. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
