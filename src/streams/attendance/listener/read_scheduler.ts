/**
 * Limits the bytes handled in one turn of the event loop. A read that finds its bytes waiting continues at once,
 * without the event loop in between, so that one fast sender would hold it. Devices have a share of each turn that
 * strangers do not get.
 * @module
 */

/** Bytes of one turn, over all connections: about 1 ms of work. */
const DEVICES_BYTES = 256 * 1024;
const STRANGERS_BYTES = 64 * 1024;

interface Waiting {
  bytes: number;
  go: () => void;
}

class Share {
  readonly #bytes: number;
  #left: number;
  #waiting: Waiting[] = [];

  constructor(bytes: number) {
    this.#bytes = this.#left = bytes;
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether this many bytes may be handled in this turn. */
  take(bytes: number): boolean {
    if (!this.idle || this.#left <= 0) return false;
    this.#left -= bytes;
    return true;
  }

  wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  nextTurn(): void {
    this.#left = this.#bytes;
    while (!this.idle && this.#left > 0) {
      const { bytes, go } = this.#waiting.shift()!;
      this.#left -= bytes;
      go();
    }
  }
}

export class ReadScheduler {
  readonly #devices = new Share(DEVICES_BYTES);
  readonly #strangers = new Share(STRANGERS_BYTES);

  /**
   * Bytes were read of a device, or of a stranger. Undefined when they may be handled at once, else a promise
   * for the turn when they may.
   */
  take(bytes: number, { known }: { known: boolean }): Promise<void> | undefined {
    const share = known ? this.#devices : this.#strangers;
    if (share.take(bytes)) return undefined;
    return new Promise((go) => {
      const begins = this.#devices.idle && this.#strangers.idle;
      share.wait({ bytes, go });
      if (begins) this.#nextTurn();
    });
  }

  #nextTurn(): void {
    // A timer, which takes 2 ms: between two immediates the runtime may not look at its sockets at all.
    setTimeout(() => {
      this.#devices.nextTurn();
      this.#strangers.nextTurn();
      if (!this.#devices.idle || !this.#strangers.idle) this.#nextTurn();
    }, 0);
  }
}
