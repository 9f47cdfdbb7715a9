/**
 * How many rows the next batch takes: as many as the schedule says, fewer where the remote takes no more.
 * A larger batch is tried again after as many successes as the tries before have failed, doubled each time:
 * a server that was only slow for a minute has full batches again at once, one with a limit is hardly asked.
 *
 *     asked     500✗ 250✓ 500✗ 250✓ 250✓ 500✗ 250✓ 250✓ 250✓ 250✓ 500✗ …
 *     patience    1         2              4                        8
 * @module
 */
const MOST_PATIENCE = 1_024;

export class BatchSize {
  readonly #most: number;
  #size: number;
  #largestPassed = 0;
  #patience = 1;
  #passes = 0;

  constructor(most: number) {
    this.#most = most;
    this.#size = most;
  }

  /** The most rows that the next batch should have. */
  get rows(): number {
    return this.#size;
  }

  /** A batch of so many rows went through. */
  passed(rows: number): void {
    this.#largestPassed = Math.max(this.#largestPassed, rows);
    if (rows >= this.#most) this.#patience = 1;
    if (this.#size === this.#most || rows < this.#size) return;
    if (++this.#passes < this.#patience) return;
    this.#passes = 0;
    this.#size = Math.min(this.#most, this.#size * 2);
  }

  /** A batch of so many rows was too large or too slow. */
  failed(rows: number): void {
    if (this.#largestPassed > 0 && rows > this.#largestPassed) {
      this.#patience = Math.min(MOST_PATIENCE, this.#patience * 2);
    }
    this.#passes = 0;
    this.#largestPassed = Math.min(this.#largestPassed, rows - 1);
    this.#size = Math.min(this.#size, Math.max(1, Math.ceil(rows / 2)));
  }
}
