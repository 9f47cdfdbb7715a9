/**
 * Gives others their turn while much is being read. A read that finds its bytes waiting goes on at once, without
 * the event loop in between: a fast sender alone would hold it for as long as he sends.
 * @module
 */

/** What may be dealt with in one turn of the event loop, over all connections: about a millisecond of work. */
const TURN_BYTES = 256 * 1024;

export class Pace {
  #left = TURN_BYTES;
  #waiting: { bytes: number; go: () => void }[] = [];

  /** So much was read. Undefined when it may be dealt with at once, else a promise for the turn when it may. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#left > 0) {
      this.#left -= bytes;
      return undefined;
    }
    return new Promise((go) => {
      this.#waiting.push({ bytes, go });
      if (this.#waiting.length === 1) this.#nextTurn();
    });
  }

  #nextTurn(): void {
    // A timer, which takes 2 ms: between two immediates the runtime may not look at its sockets at all.
    setTimeout(() => {
      this.#left = TURN_BYTES;
      while (this.#waiting.length > 0 && this.#left > 0) {
        const { bytes, go } = this.#waiting.shift()!;
        this.#left -= bytes;
        go();
      }
      if (this.#waiting.length > 0) this.#nextTurn();
    }, 0);
  }
}
