/**
 * The rows of the next batch: the schedule's number, fewer where the remote takes no more. The number of successes
 * before a larger batch is tried doubles with each try that fails: a server that was slow for a minute has full batches
 * again at once, one with a limit is rarely asked for more.
 *
 *     rows        500✗ 250✓ 500✗ 250✓ 250✓ 500✗ 250✓ 250✓ 250✓ 250✓ 500✗ …
 *     successes     1         2              4                        8
 * @module
 */
import type { Row } from "../core/mod.ts";

const MAX_SUCCESSES_NEEDED = 1_024;
/** Characters of a batch: making its JSON holds the event loop. A row alone may have more. */
const MAX_CHARACTERS = 1 << 20;

export class BatchSize {
  readonly #max: number;
  #size: number;
  #largestPassed = 0;
  #successesNeeded = 1;
  #successes = 0;

  constructor(max: number) {
    this.#max = max;
    this.#size = max;
  }

  /** The maximum of the next batch. */
  get rows(): number {
    return this.#size;
  }

  /** The first of these rows that are not too long together. */
  cut(rows: readonly Row[]): readonly Row[] {
    let characters = 0;
    for (const [count, row] of rows.entries()) {
      characters += lengthOf(row);
      if (count === 0 || characters <= MAX_CHARACTERS) continue;
      this.failed(rows.length);
      return rows.slice(0, count);
    }
    return rows;
  }

  /** A batch of this size was taken. */
  passed(rows: number): void {
    this.#largestPassed = Math.max(this.#largestPassed, rows);
    if (rows >= this.#max) this.#successesNeeded = 1;
    if (this.#size === this.#max || rows < this.#size) return;
    if (++this.#successes < this.#successesNeeded) return;
    this.#successes = 0;
    this.#size = Math.min(this.#max, this.#size * 2);
  }

  /** A batch of this size was too large or too slow. */
  failed(rows: number): void {
    if (this.#largestPassed > 0 && rows > this.#largestPassed) {
      this.#successesNeeded = Math.min(MAX_SUCCESSES_NEEDED, this.#successesNeeded * 2);
    }
    this.#successes = 0;
    this.#largestPassed = Math.min(this.#largestPassed, rows - 1);
    this.#size = Math.min(this.#size, Math.max(1, Math.ceil(rows / 2)));
  }
}

/** Characters of a row's JSON, but for names and short values. */
function lengthOf(row: Row): number {
  let length = 0;
  for (const value of Object.values(row)) {
    if (typeof value === "string") length += value.length;
    else if (typeof value === "object" && value !== null) length += JSON.stringify(value).length;
  }
  return length;
}
