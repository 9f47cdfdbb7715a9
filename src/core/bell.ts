/**
 * A bell wakes a loop before its time. Rings while nobody listens are kept as one.
 * @module
 */
export class Bell {
  #rung = Promise.withResolvers<void>();

  /** Wakes whoever waits, or the next who will. */
  ring(): void {
    this.#rung.resolve();
  }

  /** Resolves once the bell has rung since the last `rearm`. */
  heard(): Promise<void> {
    return this.#rung.promise;
  }

  /** Forgets past rings. A loop does this just before it works, so that a ring during the work counts. */
  rearm(): void {
    this.#rung = Promise.withResolvers<void>();
  }
}
