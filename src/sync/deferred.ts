/**
 * Rows that the remote wants at another time. They are sent again after 1, 2, 4 … s, at most 5 min; rounds in between
 * start behind them.
 * @module
 */
import type { Clock, Id, Outbox } from "../core/mod.ts";
import { backoffMs } from "./backoff.ts";
import type { Failure } from "./errors.ts";

/** How often a row may be deferred before it is rejected. */
const MAX_ATTEMPTS = 8;
/** Rows whose attempts are counted; others are deferred without a limit until there is room. */
const MAX_COUNTED_ROWS = 10_000;

export class DeferredRows {
  /** How many there are. */
  count = 0;
  /** Why the last one was deferred. */
  reason: Failure | undefined;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  /** Attempts of each row that waits for another, such as its parent. */
  readonly #attempts = new Map<Id, number>();
  /** Rounds in a row that deferred rows. */
  #rounds = 0;
  #dueMs = -Infinity;

  constructor(outbox: Outbox, clock: Clock) {
    this.#outbox = outbox;
    this.#clock = clock;
  }

  /** A round starts: the outbox gives them out again when they are due. */
  startRound(): void {
    const due = this.#clock.monotonic() >= this.#dueMs;
    if (this.#outbox.passOver && this.count > 0 && !due) return;
    this.#outbox.startOver?.();
    if (this.count === 0) this.#rounds = 0;
    this.count = 0;
    this.reason = undefined;
  }

  add(ids: readonly Id[], reason: Failure | undefined): void {
    if (ids.length === 0) return;
    if (this.count === 0) {
      this.#rounds++;
      this.#dueMs = this.#clock.monotonic() + backoffMs(this.#rounds, { random: () => 1 });
    }
    this.count += ids.length;
    this.reason = reason;
    this.#outbox.passOver?.(ids);
  }

  /** They are due in the next round. */
  release(): void {
    this.#dueMs = -Infinity;
  }

  /** Counts an attempt of a row; true when it was the last one allowed. */
  isLastAttempt(id: Id): boolean {
    const attempts = (this.#attempts.get(id) ?? 0) + 1;
    const last = attempts >= MAX_ATTEMPTS;
    if (last) this.#attempts.delete(id);
    else if (attempts > 1 || this.#attempts.size < MAX_COUNTED_ROWS) {
      this.#attempts.set(id, attempts);
    }
    return last;
  }

  /** The remote has these rows: their attempts are counted from zero. */
  accepted(ids: readonly Id[]): void {
    if (this.#attempts.size === 0) return;
    for (const id of ids) this.#attempts.delete(id);
  }
}
