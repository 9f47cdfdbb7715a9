/**
 * Pushes what waits in an outbox, batch by batch, until nothing that waited at the start is left, or a round is full. One batch
 * is in flight at a time, so that memory does not grow with the backlog. Rows that the remote wants another time are
 * passed over, and what comes after them goes on.
 * @module
 */
import {
  type Attempt,
  type Clock,
  type Id,
  instantOf,
  type Outbox,
  type OutboxBatch,
  type PushResult,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { backoffMs } from "./backoff.ts";
import type { BatchSize } from "./batch_size.ts";
import { Delivery, type Refusals } from "./deliver.ts";
import { concernsTable, type Failure, failureOf } from "./errors.ts";
import type { Pauses } from "./pauses.ts";

export interface DrainOptions {
  outbox: Outbox;
  store: Pick<Store, "write">;
  clock: Clock;
  size: BatchSize;
  /** The most rows to push; then `more` says whether some were left. */
  most?: number | undefined;
  refusals: Refusals;
  chances: Chances;
  held: Held;
  pauses: Pauses;
  send(batch: OutboxBatch): Promise<PushResult>;
  /** Told after every batch. */
  onDelivery(delivery: Delivery): void;
  /** A health row to push when there is time. */
  onHealth(batch: OutboxBatch): void;
  stopped(): boolean;
}

export interface Drained {
  /** Why the drain ended early, or could not push some tables. */
  failure?: Failure;
  /** Whether the failure is of some tables only. */
  tableOnly?: boolean;
  /** Why rows stay although the remote took others. */
  heldFor?: Failure;
  /** Whether the remote took anything. */
  progress: boolean;
  /** Whether the drain ended because it was long enough, with rows left to push. */
  more?: boolean;
}

/** How often a row may be put off before it is rejected. */
const MOST_CHANCES = 8;
/** Rows whose tries are counted; others are put off without a limit until there is room. */
const MAX_COUNTED = 10_000;

/** How often each row was put off: a child whose parent has not arrived. */
export class Chances {
  readonly #tries = new Map<Id, number>();

  /** Counts a try; true when it was the last one. */
  spent(id: Id): boolean {
    const tries = (this.#tries.get(id) ?? 0) + 1;
    const spent = tries >= MOST_CHANCES;
    if (spent) this.#tries.delete(id);
    else if (tries > 1 || this.#tries.size < MAX_COUNTED) this.#tries.set(id, tries);
    return spent;
  }

  forget(ids: readonly Id[]): void {
    if (this.#tries.size === 0) return;
    for (const id of ids) this.#tries.delete(id);
  }
}

/**
 * Rows that the remote wants another time. They are sent again after 1, 2, 4 … s, at most 5 min; rounds in between
 * begin behind them.
 */
export class Held {
  /** How many there are. */
  rows = 0;
  /** The last word on one of them. */
  why: Failure | undefined;
  /** How often in a row some were held. */
  #times = 0;
  #dueMs = -Infinity;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A round begins: they are given out again when it is time. */
  begin(outbox: Outbox): void {
    if (outbox.passOver && this.rows > 0 && this.#clock.monotonic() < this.#dueMs) return;
    outbox.startOver?.();
    if (this.rows === 0) this.#times = 0;
    this.rows = 0;
    this.why = undefined;
  }

  add(ids: readonly Id[], { outbox, why }: { outbox: Outbox; why: Failure | undefined }): void {
    if (ids.length === 0) return;
    if (this.rows === 0) {
      this.#times++;
      this.#dueMs = this.#clock.monotonic() + backoffMs(this.#times, { random: () => 1 });
    }
    this.rows += ids.length;
    this.why = why;
    outbox.passOver?.(ids);
  }

  /** They are given out again in the next round. */
  release(): void {
    this.#dueMs = -Infinity;
  }
}

export async function drain(options: DrainOptions): Promise<Drained> {
  const { outbox, size, most = Infinity, held, pauses, stopped } = options;
  held.begin(outbox);
  /** Of an outbox that cannot pass them over: it gives them out again in the same round. */
  const seen = new Set<Id>();
  const skip = pauses.tables();
  const drained: Drained = { progress: false };
  // Rows that come while this goes on wait for the next round: a trickle must not become a stream of requests.
  let left = outbox.depth().rows - held.rows;
  let pushed = 0;
  /** Why the batch before could not be settled, if so; known once it is. */
  let settling: Promise<Failure | undefined> = Promise.resolve(undefined);
  /** Rows that were given out and are not settled yet. */
  const out = { rows: 0 };

  while (!stopped()) {
    if (pushed >= most) {
      drained.more = left > 0;
      break;
    }
    const rowsAtOnce = Math.min(size.rows, most - pushed);
    const limit = rowsAtOnce + seen.size;
    const batch = out.rows > 0 && outbox.pendingAfter
      ? outbox.pendingAfter(out.rows, limit)
      : outbox.pending(limit, { skip });
    const rows = seen.size > 0
      ? batch.rows.filter(({ id }) => !seen.has(id)).slice(0, rowsAtOnce)
      : batch.rows;
    // An outbox of one table has nothing else to offer.
    if (rows.length === 0 || skip.has(batch.table)) break;

    const sent = { ...batch, rows };
    out.rows += rows.length;
    const delivering = deliver(sent, options, out);
    // The batch before is settled while this one is under way.
    const unsettled = await settling;
    const delivery = await delivering;
    settling = settle(sent, delivery, options);
    if (delivery.accepted > 0) drained.progress = true;
    const clean = delivery.accepted === rows.length && seen.size === 0 && !unsettled;
    if (!clean || !outbox.pendingAfter) {
      const failure = await settling ?? unsettled;
      out.rows = 0;
      held.add(delivery.held, { outbox, why: delivery.heldFor });
      if (!outbox.passOver) { for (const id of delivery.held) seen.add(id); }
      const tableOnly = failure && concernsTable(failure) &&
        (failure.verdict.action === "pause" || (outbox.tables ?? []).length > 1);
      if (failure && !tableOnly) return { ...drained, failure };
      if (failure) {
        pauses.add(batch.table, failure);
        skip.add(batch.table);
        settling = Promise.resolve(undefined);
        continue;
      }
    }
    pauses.passed(batch.table);
    pushed += rows.length;
    left -= rows.length;
    if (left <= 0 && batch.rows.length < limit) break;
  }
  const unsettled = await settling;
  if (held.why) drained.heldFor = held.why;
  if (unsettled) return { ...drained, failure: unsettled };
  const { failure } = pauses;
  return failure ? { ...drained, failure, tableOnly: true } : drained;
}

/** Brings a batch to the remote. */
function deliver(
  batch: OutboxBatch,
  options: DrainOptions,
  out: { rows: number },
): Promise<Delivery> {
  const { outbox, store, clock, size, refusals, chances, pauses, send, stopped } = options;
  return new Delivery(batch, {
    send,
    stopped,
    refusals,
    // A parent that waits in a paused table is no fault of its child.
    spent: (id) => pauses.tables().size === 0 && chances.spent(id),
    sized: (rows, passed) => passed ? size.passed(rows) : size.failed(rows),
    keep: ({ accepted, rejections, kept }) => {
      const at = instantOf(clock.now());
      chances.forget(accepted);
      return store.write(() => {
        outbox.settle(accepted, at);
        if (rejections.length > 0) outbox.reject(rejections, at);
        if (kept.length > 0) outbox.yieldTo?.(kept, at);
        // From here on reads do not see them as waiting. Should this be undone, they are sent twice, no worse.
        out.rows -= accepted.length + rejections.length + kept.length;
      });
    },
  }).run();
}

/** Resolves when the database knows how a batch went; with why the lane cannot go on, if so. Never rejects. */
async function settle(
  batch: OutboxBatch,
  delivery: Delivery,
  { outbox, store, clock, onDelivery, onHealth }: DrainOptions,
): Promise<Failure | undefined> {
  try {
    const unkept = await delivery.kept();
    if (unkept !== undefined) delivery.failure ??= failureOf(unkept);
    onDelivery(delivery);
    if (outbox.attempted) {
      const attempt: Attempt = { at: instantOf(clock.now()), batch, ...outcomeOf(delivery) };
      const health = await store.write(() => outbox.attempted?.(attempt));
      if (health) onHealth(health);
    }
    return delivery.failure;
  } catch (error) {
    return delivery.failure ?? failureOf(error);
  }
}

function outcomeOf(delivery: Delivery): Pick<Attempt, "status" | "error"> {
  const { failure, accepted, rejected, held } = delivery;
  const error = failure?.message ?? delivery.heldFor?.message;
  const whole = !failure && rejected === 0 && held.length === 0;
  const status = whole ? "ok" : failure && accepted + rejected === 0 ? "error" : "partial";
  return { status, ...(error === undefined ? {} : { error }) };
}
