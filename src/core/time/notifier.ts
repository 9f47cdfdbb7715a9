/** Wakes a waiting loop early. Notifications while none waits are kept as one. @module */
export class Notifier {
  #notified = Promise.withResolvers<void>();

  /** Wakes the current waiter, or the next one. */
  notify(): void {
    this.#notified.resolve();
  }

  /** Resolves after the first `notify` since the last `reset`. */
  notified(): Promise<void> {
    return this.#notified.promise;
  }

  /** Forgets earlier notifications. A loop calls it just before its work, so that one during the work counts. */
  reset(): void {
    this.#notified = Promise.withResolvers<void>();
  }
}
