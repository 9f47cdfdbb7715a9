/**
 * Tables that are left alone for a while, so that one that cannot be read or written does not stop the others. A table
 * that waits for a person is tried again every few minutes, since nobody reports that it was repaired.
 * @module
 */
import type { Clock } from "../core/mod.ts";
import { type Failure, needsPerson } from "./errors.ts";

/** A little less than a lane waits, so that its next round tries again. */
const PAUSE_MS = 150_000;
/** The first pause of a table that may come right by itself; doubled with every failure. */
const FIRST_MS = 5_000;

interface Pause {
  untilMs: number;
  failures: number;
  failure: Failure;
}

export class Pauses {
  readonly #clock: Clock;
  readonly #tables = new Map<string, Pause>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(table: string, failure: Failure): void {
    const failures = (this.#tables.get(table)?.failures ?? 0) + 1;
    const ms = needsPerson(failure)
      ? PAUSE_MS
      : Math.min(PAUSE_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
    this.#tables.set(table, { untilMs: this.#clock.monotonic() + ms, failures, failure });
  }

  /** The table works. */
  passed(table: string): void {
    this.#tables.delete(table);
  }

  clear(): void {
    this.#tables.clear();
  }

  /** The tables to leave alone now. */
  tables(): Set<string> {
    return new Set(this.#current().map(([table]) => table));
  }

  /** Why one of them waits. */
  get failure(): Failure | undefined {
    return this.#current()[0]?.[1].failure;
  }

  #current(): [string, Pause][] {
    const now = this.#clock.monotonic();
    return [...this.#tables].filter(([, { untilMs }]) => untilMs > now);
  }
}
