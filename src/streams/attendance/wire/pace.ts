/**
 * Gives others their turn while much is being read. A read that finds its bytes waiting goes on at once, without
 * the event loop in between: a fast sender alone would hold it for as long as he sends.
 * @module
 */

/** What may be read in one turn of the event loop, over all connections: about a millisecond of work. */
const TURN_BYTES = 256 * 1024;

/** Pieces that may be dealt with in the next turn: each is at most 64 KiB. */
const TURN_PIECES = 4;

export class Pace {
  #read = 0;
  #waiting: (() => void)[] = [];

  /** So much was read. Undefined when it may be dealt with at once, else a promise for the turn when it may. */
  take(bytes: number): Promise<void> | undefined {
    this.#read += bytes;
    if (this.#read < TURN_BYTES && this.#waiting.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#nextTurn();
    });
  }

  #nextTurn(): void {
    // A timer, which takes 2 ms: between two immediates the runtime may not look at its sockets at all.
    setTimeout(() => {
      this.#read = 0;
      for (const resolve of this.#waiting.splice(0, TURN_PIECES)) resolve();
      if (this.#waiting.length > 0) this.#nextTurn();
    }, 0);
  }
}
