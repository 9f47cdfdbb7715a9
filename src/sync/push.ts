/**
 * Pushes what waits in an outbox, batch by batch, until nothing that waited at the start is left or the round is full.
 * One batch is in flight at a time, so that memory does not grow with the backlog. A batch is sent in parts where the
 * answer asks for it:
 *
 *     [ a b c d X f g h ]✗           one answer for all: something in it is wrong
 *     [ a b c d ]✓ [ X f g h ]       the left half passed, so it is in the right one: no need to ask
 *                  [ X f ]✗ [ g h ]✓
 *                  [ X ]✗ [ f ]✓     a row is judged only by an answer to it alone
 *
 * One such row in n costs about log2 n refused requests, and every part that passes is stored at once.
 * @module
 */
import {
  type Attempt,
  type Clock,
  type Id,
  instantOf,
  logger,
  type Outbox,
  type OutboxBatch,
  type PushResult,
  type Rejection,
  type Row,
  type Schedule,
  type StreamName,
  type Warnings,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { TableBackoff } from "./backoff.ts";
import { BatchSize } from "./batch_size.ts";
import { DeferredRows } from "./deferred.ts";
import {
  concernsTable,
  type Failure,
  failureOf,
  type RoundResult,
  succeeds,
  unansweredRow,
  wrongAddress,
} from "./errors.ts";
import type { LaneRequests } from "./requests.ts";
import type { SharedRemote } from "./shared_remote.ts";

export interface OutboxPusherOptions {
  name: StreamName;
  shared: SharedRemote;
  outbox: Outbox;
  schedule: Pick<Schedule, "batchSize" | "roundSize">;
  requests: Pick<LaneRequests, "push" | "stopped">;
  store: Pick<Store, "write">;
  clock: Clock;
  warnings: Warnings;
  /** Called after every batch. */
  onChange(): void;
}

/** Rows refused one by one without an acceptance in between, after which the address is suspected, not the rows. */
const MAX_REFUSALS = 50;
/** The interval of health rows during a long push. */
const HEALTH_MS = 5_000;

/** What the remote answered about the rows of one batch. */
class SentBatch {
  accepted = 0;
  rejected = 0;
  /** Rows that stay for now, and why the last one does. */
  readonly deferred: Id[] = [];
  deferredReason: Failure | undefined;
  /** Whether the rest is not sent, and why; no failure when the agent stops. */
  ended = false;
  failure: Failure | undefined;
  /** Results on their way into the database; each resolves with its error, if any. */
  readonly writes: Promise<unknown>[] = [];

  constructor(readonly batch: OutboxBatch) {}

  defer(id: Id, reason: Failure): false {
    this.deferred.push(id);
    this.deferredReason = reason;
    return false;
  }

  end(failure?: Failure): false {
    this.ended = true;
    this.failure = failure;
    return false;
  }
}

export class OutboxPusher {
  rowsPushed = 0;
  rowsRejected = 0;
  readonly #options: OutboxPusherOptions;
  readonly #size: BatchSize;
  readonly #deferred: DeferredRows;
  readonly #backoff: TableBackoff;
  /** Answers to single rows since a row was last accepted, over all batches. */
  #refusals = 0;
  /** Whether the remote is known to accept rows: only then "I have it already" is believed. */
  #trusted = false;
  /** Rows that the outbox gave out and that are not settled yet. */
  #unsettled = 0;
  #health: OutboxBatch | undefined;
  #healthMs = -Infinity;

  constructor(options: OutboxPusherOptions) {
    this.#options = options;
    this.#size = new BatchSize(options.schedule.batchSize);
    this.#deferred = new DeferredRows(options.outbox, options.clock);
    this.#backoff = new TableBackoff(options.clock);
  }

  /** The next round tries tables that back off and rows that were deferred. */
  retryAll(): void {
    this.#deferred.release();
    this.#backoff.clear();
  }

  /** A person vouches for the remote: earlier refusals do not count. */
  trust(): void {
    this.#refusals = 0;
    this.#trusted = true;
  }

  async run(): Promise<RoundResult> {
    const { outbox, requests, schedule: { roundSize = Infinity } } = this.#options;
    this.#deferred.startRound();
    this.#unsettled = 0;
    /** Of an outbox that cannot pass deferred rows over: it gives them out again in the same round. */
    const seen = new Set<Id>();
    const skip = this.#backoff.tables();
    const result: RoundResult = { progress: false };
    // Rows that come meanwhile wait for the next round: a trickle must not become a stream of requests.
    let left = outbox.depth().rows - this.#deferred.count;
    let pushed = 0;
    /** Why the batch before could not be settled, if so. */
    let settling: Promise<Failure | undefined> = Promise.resolve(undefined);

    while (!requests.stopped) {
      if (pushed >= roundSize) {
        result.more = left > 0;
        break;
      }
      const rowsAtOnce = Math.min(this.#size.rows, roundSize - pushed);
      const limit = rowsAtOnce + seen.size;
      const batch = this.#unsettled > 0 && outbox.pendingAfter
        ? outbox.pendingAfter(this.#unsettled, limit)
        : outbox.pending(limit, { skip });
      const unseen = batch.rows.filter(({ id }) => !seen.has(id));
      const rows = this.#size.cut(unseen.slice(0, rowsAtOnce));
      // An outbox of one table has nothing else to offer.
      if (rows.length === 0 || skip.has(batch.table)) break;

      const sent = new SentBatch({ ...batch, rows });
      this.#unsettled += rows.length;
      const delivering = this.#deliver(sent, rows);
      // The batch before is settled while this one is in flight.
      const earlier = await settling;
      await delivering;
      settling = this.#settle(sent);
      if (sent.accepted > 0) result.progress = true;
      const clean = sent.accepted === rows.length && seen.size === 0 && !earlier;
      if (!clean || !outbox.pendingAfter) {
        const failure = await settling ?? earlier;
        this.#unsettled = 0;
        this.#deferred.add(sent.deferred, sent.deferredReason);
        for (const id of outbox.passOver ? [] : sent.deferred) seen.add(id);
        const tableOnly = failure && concernsTable(failure) &&
          (failure.verdict.action === "pause" || (outbox.tables ?? []).length > 1);
        if (failure && !tableOnly) return { ...result, failure };
        if (failure) {
          this.#backoff.failed(batch.table, failure);
          skip.add(batch.table);
          settling = Promise.resolve(undefined);
          continue;
        }
      }
      this.#backoff.succeeded(batch.table);
      pushed += rows.length;
      left -= rows.length;
      if (left <= 0 && batch.rows.length < limit) break;
    }
    const unsettled = await settling;
    if (this.#deferred.reason) result.deferredReason = this.#deferred.reason;
    if (unsettled) return { ...result, failure: unsettled };
    const { failure } = this.#backoff;
    // What the other tables had is sent: they keep the schedule.
    const progress = result.progress || skip.size < (outbox.tables?.length ?? 1);
    return failure ? { ...result, progress, failure, tableOnly: true } : result;
  }

  /** Pushes the newest health row, once: the next one replaces it. */
  async pushHealth(): Promise<void> {
    const { clock, requests, name, warnings, shared } = this.#options;
    const health = this.#health;
    if (!health || requests.stopped || shared.evidence?.reached === false) return;
    this.#health = undefined;
    this.#healthMs = clock.monotonic();
    const code = `sync.${name}.health`;
    await succeeds(requests.push(health), { what: "Health row", code, warnings });
  }

  /**
   * Sends these rows, or halves of them.
   * @param blame the answer to a batch of which everything but these rows has passed
   * @returns whether all of them passed
   */
  async #deliver(sent: SentBatch, rows: readonly Row[], blame?: Failure): Promise<boolean> {
    if (sent.ended) return false;
    let failure = rows.length > 1 ? blame : undefined;
    if (!failure) {
      const { clock, requests } = this.#options;
      if (requests.stopped) return sent.end();
      try {
        if (clock.monotonic() - this.#healthMs >= HEALTH_MS) await this.pushHealth();
        this.#take(sent, rows, await requests.push({ ...sent.batch, rows }));
        this.#size.passed(rows.length);
        return true;
      } catch (error) {
        failure = failureOf(error);
      }
      const { action, alone } = failure.verdict;
      if (action === "split") this.#size.failed(rows.length);
      if (alone === "wait") return sent.end(failure);
      if (rows.length === 1) return this.#judge(sent, rows[0]!, failure);
    }
    const middle = Math.ceil(rows.length / 2);
    const leftPassed = await this.#deliver(sent, rows.slice(0, middle));
    // What was too large together may pass in halves: then the right half is not to blame.
    const guilty = leftPassed && failure.verdict.action !== "split";
    const rightPassed = await this.#deliver(
      sent,
      rows.slice(middle),
      guilty ? failure : undefined,
    );
    return leftPassed && rightPassed;
  }

  /** A 2xx: it covers the rows it names, and no others. */
  #take(sent: SentBatch, rows: readonly Row[], result: PushResult): void {
    const settled: Id[] = [];
    const rejections: Rejection[] = [];
    const kept: Row[] = [];
    if (coversAll(rows, result)) settled.push(...result.accepted);
    else {
      const accepted = new Set(result.accepted);
      const refused = new Map(result.rejected.map((rejection) => [rejection.id, rejection]));
      const superseded = new Map((result.kept ?? []).map((row) => [row.id, row]));
      for (const { id } of rows) {
        const rejection = refused.get(id);
        const newer = superseded.get(id);
        if (accepted.has(id)) settled.push(id);
        else if (newer) kept.push(newer);
        else if (rejection && !rejection.retryable) rejections.push(rejection);
        else sent.defer(id, unansweredRow(rejection, result));
      }
    }
    if (settled.length + kept.length > 0) this.trust();
    this.#store(sent, { accepted: settled, rejections, kept });
  }

  /** Decides about a row that was refused alone. */
  #judge(sent: SentBatch, { id }: Row, failure: Failure): false {
    const { alone, action } = failure.verdict;
    // A parent that waits in a table that backs off is no fault of its child.
    const mayPass = alone === "later" &&
      (this.#backoff.tables().size > 0 || !this.#deferred.isLastAttempt(id));
    if (mayPass) return sent.defer(id, failure);
    this.#refusals++;
    const suspicious = this.#refusals >= MAX_REFUSALS;
    if (suspicious) this.#trusted = false;
    if (alone === "hold") sent.defer(id, failure);
    else if (alone !== "settle") {
      const { status, code } = failure;
      const reason = failure.detail ?? failure.message;
      const message = action === "split" ? `too large even alone: ${reason}` : reason;
      this.#store(sent, { rejections: [{ id, status, code, message }] });
    } // What answers so to everything would have a whole backlog settled that is stored nowhere.
    else if (this.#trusted) this.#store(sent, { accepted: [id] });
    else sent.defer(id, failure);
    return suspicious && sent.end(wrongAddress(failure, MAX_REFUSALS));
  }

  /** Writes what the remote answered into the database. */
  #store(
    sent: SentBatch,
    { accepted = [], rejections = [], kept = [] }: {
      accepted?: readonly Id[];
      rejections?: readonly Rejection[];
      /** What the cloud kept in the place of ours: nothing is left to send. */
      kept?: readonly Row[];
    },
  ): void {
    const { outbox, store, clock } = this.#options;
    const taken = accepted.length + kept.length;
    sent.accepted += taken;
    sent.rejected += rejections.length;
    if (taken + rejections.length === 0) return;
    const at = instantOf(clock.now());
    this.#deferred.accepted(accepted);
    const written = store.write(() => {
      outbox.settle(accepted, at);
      if (rejections.length > 0) outbox.reject(rejections, at);
      if (kept.length > 0) outbox.yieldTo?.(kept, at);
      // From here on reads do not see them as waiting. Should this be undone, they are sent twice, no worse.
      this.#unsettled -= taken + rejections.length;
    });
    sent.writes.push(written.then(() => undefined, (error) => error));
  }

  /** Resolves when the database has the batch's results, with why the lane cannot continue, if so. Never rejects. */
  async #settle(sent: SentBatch): Promise<Failure | undefined> {
    const { outbox, store, clock, name, shared, onChange } = this.#options;
    try {
      const error = (await Promise.all(sent.writes)).find((each) => each !== undefined);
      if (error !== undefined) sent.failure ??= failureOf(error);
      this.rowsPushed += sent.accepted;
      this.rowsRejected += sent.rejected;
      if (sent.rejected > 0) {
        logger("sync").warn("{remote} refused {rejected} rows of {lane}: kept in sync_rejected", {
          remote: shared.remote.name,
          rejected: sent.rejected,
          lane: name,
        });
      }
      onChange();
      if (outbox.attempted) {
        const attempt = attemptOf(sent, clock);
        this.#health = await store.write(() => outbox.attempted?.(attempt)) ?? this.#health;
      }
      return sent.failure;
    } catch (error) {
      return sent.failure ?? failureOf(error);
    }
  }
}

function attemptOf(sent: SentBatch, clock: Clock): Attempt {
  const { batch, failure, accepted, rejected, deferred, deferredReason } = sent;
  const error = failure?.message ?? deferredReason?.message;
  const whole = !failure && rejected === 0 && deferred.length === 0;
  const status = whole ? "ok" : failure && accepted + rejected === 0 ? "error" : "partial";
  return { at: instantOf(clock.now()), batch, status, ...(error === undefined ? {} : { error }) };
}

/** Whether every row was accepted, in the order in which they were sent: nearly always. */
function coversAll(rows: readonly Row[], { accepted, rejected }: PushResult): boolean {
  return rejected.length === 0 && accepted.length === rows.length &&
    accepted.every((id, at) => id === rows[at]?.id);
}
