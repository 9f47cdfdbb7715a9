/**
 * What was learned of tables from the cloud's refusals. It may change there at any time, so it is forgotten after an
 * hour, and whenever another account signs in or sync is reset.
 * @module
 */
import type { Clock } from "../../core/mod.ts";

const KEEP_MS = 60 * 60_000;

export class LearnedTables<T> {
  readonly #clock: Clock;
  readonly #tables = new Map<string, { value: T; untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(table: string): T | undefined {
    const entry = this.#tables.get(table);
    return entry && this.#clock.monotonic() < entry.untilMs ? entry.value : undefined;
  }

  set(table: string, value: T): void {
    this.#tables.set(table, { value, untilMs: this.#clock.monotonic() + KEEP_MS });
  }

  forget(): void {
    this.#tables.clear();
  }
}
