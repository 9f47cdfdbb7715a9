/**
 * One round of a lane: take what the cloud has, then push what waits. In this order a conflict is seen while
 * the local change still waits. Every request of the lane goes through here: timed, counted, with a fresh
 * sign-in once where the old one is refused.
 * @module
 */
import {
  type Clock,
  type Inbox,
  instantOf,
  logger,
  type Outbox,
  type OutboxBatch,
  type Remote,
  RemoteError,
  type StreamName,
  type Warnings,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { attempt } from "./attempt.ts";
import { BatchSize } from "./batch_size.ts";
import type { Connection } from "./connection.ts";
import { Refusals } from "./deliver.ts";
import { Chances, drain, type Drained, Held } from "./drain.ts";
import { type Failure, failureOf, needsPerson, verdictOf } from "./errors.ts";
import { Pauses } from "./pauses.ts";
import { pull, type Pulled } from "./pull.ts";
import { Tally } from "./tally.ts";

export interface ExchangeOptions {
  name: StreamName;
  outbox: Outbox;
  inbox?: Inbox | undefined;
  batchSize: number;
  /** The most rows that a round pushes. */
  roundSize?: number | undefined;
  connection: Connection;
  store: Pick<Store, "write">;
  clock: Clock;
  warnings: Warnings;
  /** How long one request may take, whatever the remote's own limit is. */
  timeoutMs: number;
  /** Told when the state or the figures have changed. */
  onChange(): void;
}

/** How long a request that is under way has to end when the agent stops. */
const GRACE_MS = 1_500;
/** How often a health row is pushed during a long drain. */
const HEALTH_MS = 5_000;

export class Exchange {
  readonly tally = new Tally();
  /** Whether a request of this round was made. */
  busy = false;
  readonly #options: ExchangeOptions;
  readonly #size: BatchSize;
  readonly #refusals = new Refusals();
  readonly #chances = new Chances();
  readonly #held: Held;
  #stop = new AbortController().signal;
  readonly #pushPauses: Pauses;
  readonly #pullPauses: Pauses;
  #refreshed = false;
  #health: OutboxBatch | undefined;
  #healthAt = -Infinity;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#size = new BatchSize(options.batchSize);
    this.#held = new Held(options.clock);
    this.#pushPauses = new Pauses(options.clock);
    this.#pullPauses = new Pauses(options.clock);
  }

  /** Runs one round; what the remote or the database throws becomes part of the outcome. */
  async run(stop: AbortSignal): Promise<Drained> {
    this.#stop = stop;
    this.#refreshed = false;
    try {
      const { forbidden } = this.#options.connection.remote;
      if (forbidden) throw forbidden;
      const pulled = await this.#pull();
      // Where reading goes wrong, writing may go well; where nobody answers or knows us, it will not.
      if (pulled.failure && isHopeless(pulled.failure)) return pulled;
      const pushed = await this.#push();
      const failed = pushed.failure ? pushed : pulled;
      const { failure, tableOnly = false } = failed;
      return {
        ...pushed,
        ...(failure ? { failure, tableOnly } : {}),
        progress: pushed.progress || pulled.progress,
      };
    } catch (error) {
      return { failure: failureOf(error), progress: false };
    } finally {
      this.busy = false;
    }
  }

  /** Tables that wait for a person, and rows that wait for another time, are tried in the next round. */
  retryPaused(): void {
    this.#held.release();
    this.#pushPauses.clear();
    this.#pullPauses.clear();
  }

  /** Everything that was learned of the remote is forgotten. */
  forget(): void {
    this.#refusals.accepted();
    this.#options.connection.remote.forget?.();
    this.retryPaused();
  }

  async #push(): Promise<Drained> {
    const { outbox, store, clock, connection, onChange } = this.#options;
    const drained = await drain({
      outbox,
      store,
      clock,
      size: this.#size,
      most: this.#options.roundSize,
      refusals: this.#refusals,
      chances: this.#chances,
      held: this.#held,
      pauses: this.#pushPauses,
      send: async (batch) => {
        if (clock.monotonic() - this.#healthAt >= HEALTH_MS) await this.#pushHealth();
        return await this.#request((remote, signal) => remote.push(batch, { signal }));
      },
      stopped: () => this.#stop.aborted,
      onDelivery: ({ accepted, rejected }) => {
        this.tally.rowsPushed += accepted;
        this.tally.rowsRefused += rejected;
        if (rejected > 0) {
          logger("sync").warn("{remote} refused {rejected} rows of {lane}: kept in sync_rejected", {
            remote: connection.remote.name,
            rejected,
            lane: this.#options.name,
          });
        }
        onChange();
      },
      onHealth: (batch) => this.#health = batch,
    });
    await this.#pushHealth();
    return drained;
  }

  /** The newest health row, once: it says what the next one will say anew. */
  async #pushHealth(): Promise<void> {
    const { clock, connection, name, warnings } = this.#options;
    const health = this.#health;
    if (!health || this.#stop.aborted || connection.evidence?.reached === false) return;
    this.#health = undefined;
    this.#healthAt = clock.monotonic();
    const code = `sync.${name}.health`;
    try {
      await this.#request((remote, signal) => remote.push(health, { signal }));
      warnings.clear(code);
    } catch (error) {
      const failure = failureOf(error);
      logger("sync").debug("Health row not pushed: {message}", { message: failure.message });
      if (needsPerson(failure)) {
        warnings.raise(code, `${failure.message}: ${failure.verdict.advice ?? "sign in again"}`);
      }
    }
  }

  async #pull(): Promise<Pulled> {
    const { inbox, connection, store, onChange } = this.#options;
    if (!inbox || !connection.remote.pull) return { rows: 0, progress: false };
    const pulled = await pull({
      inbox,
      pauses: this.#pullPauses,
      read: (table, cursor) =>
        this.#request((remote, signal) => remote.pull!(table, cursor, { signal })),
      apply: async (page) => {
        await store.write(() => inbox.apply(page));
        if (page.more) onChange();
      },
      stopped: () => this.#stop.aborted,
    });
    this.tally.rowsPulled += pulled.rows;
    return pulled;
  }

  async #request<T>(call: (remote: Remote, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { connection } = this.#options;
    try {
      return await this.#timed((signal) => call(connection.remote, signal));
    } catch (error) {
      const hopeless = this.#refreshed || this.#stop.aborted || !connection.remote.refresh;
      if (hopeless || !isSignIn(error)) throw error;
      this.#refreshed = true;
      const fresh = await this.#limited((signal) => connection.refresh(signal));
      if (!fresh) throw error;
      return await this.#timed((signal) => call(connection.remote, signal));
    }
  }

  async #timed<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, connection, onChange } = this.#options;
    if (!this.busy) {
      this.busy = true;
      onChange();
    }
    const started = clock.monotonic();
    const ended = (ok: boolean) =>
      this.tally.request(instantOf(clock.now()), { tookMs: clock.monotonic() - started, ok });
    try {
      const answer = await this.#limited(work);
      ended(true);
      connection.heard(true);
      return answer;
    } catch (error) {
      ended(false);
      // A call that the stop cut short says nothing of the remote.
      if (!this.#stop.aborted) connection.heard(failureOf(error).answered ?? false);
      throw error;
    }
  }

  #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    return attempt(work, { clock, timeoutMs, stop: this.#stop, graceMs: GRACE_MS });
  }
}

function isHopeless({ verdict, answered }: Failure): boolean {
  return answered === false || verdict.action === "sign-in";
}

function isSignIn(error: unknown): boolean {
  return error instanceof RemoteError && verdictOf(error).action === "sign-in";
}
