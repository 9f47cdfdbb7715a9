/**
 * Tables that wait for a person: left alone for a few minutes, then tried again, since nobody tells the agent
 * that it was mended.
 * @module
 */
import type { Clock } from "../core/mod.ts";
import type { Failure } from "./failure.ts";

/** A little less than a lane waits, so that its next round tries again. */
const PAUSE_MS = 150_000;

export class Pauses {
  readonly #clock: Clock;
  readonly #tables = new Map<string, { untilMs: number; failure: Failure }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(table: string, failure: Failure): void {
    this.#tables.set(table, { untilMs: this.#clock.monotonic() + PAUSE_MS, failure });
  }

  clear(): void {
    this.#tables.clear();
  }

  /** The tables to leave alone now. */
  tables(): Set<string> {
    const now = this.#clock.monotonic();
    for (const [table, { untilMs }] of this.#tables) {
      if (untilMs <= now) this.#tables.delete(table);
    }
    return new Set(this.#tables.keys());
  }

  /** Why one of them waits. */
  get failure(): Failure | undefined {
    return this.#tables.values().next().value?.failure;
  }
}
