/**
 * A lane brings one stream's rows to its remote, and reads what comes back where something does: on its own schedule, with its
 * own backoff, so that a broken table does not stop the other streams.
 *
 *     timer · wake · network up · now()  →  round: pull, push  →  wait: schedule, backoff or pause
 * @module
 */
import {
  type Clock,
  every,
  type Inbox,
  instantOf,
  logger,
  Notifier,
  type Outbox,
  type Schedule,
  type StreamName,
  type Warnings,
} from "../core/mod.ts";
import type { LaneStatus, SyncState } from "../contract/sync.ts";
import type { Store } from "../store/mod.ts";
import { continuesAtOnce, nextRound } from "./backoff.ts";
import {
  type Failure,
  failureOf,
  kindOf,
  needsPerson,
  preventsPush,
  type RoundResult,
} from "./errors.ts";
import { InboxPuller } from "./pull.ts";
import { OutboxPusher } from "./push.ts";
import { LaneRequests } from "./requests.ts";
import type { SharedRemote } from "./shared_remote.ts";

export interface LaneOptions {
  name: StreamName;
  outbox: Outbox;
  inbox?: Inbox | undefined;
  schedule: Schedule;
  shared: SharedRemote;
  store: Pick<Store, "write">;
  clock: Clock;
  random: () => number;
  warnings: Warnings;
  /** How long one request may take. */
  timeoutMs: number;
  /** Called when the state or the counts have changed. */
  onChange(): void;
}

/** The least time between two reconnections that end a backoff; doubled while they do not help. */
const MIN_RECONNECT_MS = 15_000;
const MAX_RECONNECT_MS = 5 * 60_000;

export class Lane {
  readonly name: StreamName;
  readonly #options: LaneOptions;
  readonly #shared: SharedRemote;
  readonly #requests: LaneRequests;
  readonly #pusher: OutboxPusher;
  readonly #puller: InboxPuller | undefined;
  readonly #wake: Notifier;
  #stop: AbortSignal | undefined;

  #waiters: (() => void)[] = [];
  /** The next round starts whatever the lane is waiting for. */
  #urgent = false;
  /** Until then (monotonic) a notification only shortens the wait to this moment. */
  #notBeforeMs = 0;
  #waitMs = 1;
  #nextAt: string | null = null;

  #failures = 0;
  #failure: Failure & { at: string } | undefined;
  /** Whether the failure concerns deferred rows only. */
  #partial = false;
  #reconnectedMs = -Infinity;
  #fruitlessReconnects = 0;

  constructor(options: LaneOptions) {
    const { name, shared, inbox, schedule, onChange } = options;
    this.name = name;
    this.#options = options;
    this.#shared = shared;
    this.#wake = schedule.wake ?? new Notifier();
    const requests = this.#requests = new LaneRequests(options);
    this.#pusher = new OutboxPusher({ ...options, requests });
    if (inbox && shared.remote.pull) {
      this.#puller = new InboxPuller({ ...options, inbox, requests, remote: shared.remote });
    }
    shared.onChange((reached) => {
      if (reached) this.#reconnected();
      onChange();
    });
  }

  /** Syncs until the signal aborts; then a request in flight has a moment to end. */
  async run(signal: AbortSignal): Promise<void> {
    this.#stop = signal;
    const { clock } = this.#options;
    await Promise.all([
      every(() => this.#waitMs, () => this.#tick(signal), {
        signal,
        name: `sync.${this.name}`,
        clock,
        wake: this.#wake,
      }),
      this.#puller?.watch(signal, () => this.#wake.notify()),
    ]);
    for (const done of this.#waiters.splice(0)) done();
  }

  /** Syncs at once, whatever the lane is waiting for; resolves when everything is sent or has failed. */
  now(): Promise<void> {
    if (this.#stop?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    this.hurry();
    return promise;
  }

  /** A lane that waits for its schedule starts a round, after which it waits by the new one. */
  scheduleChanged(): void {
    this.#wake.notify();
  }

  /** Syncs at once, whatever the lane was waiting for. */
  hurry(): void {
    this.#urgent = true;
    this.#wake.notify();
  }

  /** The machine's network has changed: a lane that had no answer, or has rows that wait, tries again. */
  networkChanged(): void {
    this.#fruitlessReconnects = 0;
    if (this.#wasCutOff) this.hurry();
  }

  /** Forgets its failures and what was learned of the remote, and syncs at once. */
  reset(): void {
    this.#succeeded();
    this.#pusher.trust();
    this.#shared.remote.forget?.();
    this.#retryAll();
    this.hurry();
  }

  /** The clock of its cloud less this machine's. */
  get clockOffsetMs(): number | null {
    return this.#shared.clockOffsetMs;
  }

  get state(): SyncState {
    const reached = this.#shared.evidence?.reached;
    if (this.#requests.active) return reached && !this.#failure ? "syncing" : "connecting";
    if (this.#failure && (!this.#partial || needsPerson(this.#failure))) {
      const unreachable = this.#failure.answered === false && !needsPerson(this.#failure);
      return unreachable ? "disconnected" : "failed";
    }
    // A command that only reads the database connects to nothing.
    if (reached === undefined) return this.#stop ? "connecting" : "disconnected";
    return reached ? "connected" : "disconnected";
  }

  status(): Omit<LaneStatus, "rows_rejected"> {
    const requests = this.#requests;
    const { rows, oldest } = this.#options.outbox.depth();
    return {
      stream: this.name,
      state: this.state,
      remote: this.#shared.remote.name,
      rows_waiting: rows,
      oldest_waiting_at: oldest,
      last_attempt_at: requests.lastAttemptAt,
      last_success_at: requests.lastSuccessAt,
      next_attempt_at: requests.active ? null : this.#nextAt,
      last_error: this.#failure ? this.#errorOf(this.#failure) : null,
      failures_in_a_row: this.#failures,
      mean_latency_ms: requests.meanLatencyMs,
      requests: requests.count,
      requests_failed: requests.failed,
      rows_pushed: this.#pusher.rowsPushed,
      rows_refused: this.#pusher.rowsRejected,
      rows_pulled: this.#puller?.rowsPulled ?? 0,
      reading: this.#options.inbox?.reading?.() ?? null,
    };
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const early = this.#notBeforeMs - this.#options.clock.monotonic();
    if (early > 0 && !this.#urgent) return this.#wait(early);
    if (this.#urgent) this.#retryAll();
    this.#urgent = false;
    const waiters = this.#waiters.splice(0);
    const result = await this.#round(signal);
    if (!signal.aborted) this.#conclude(result);
    // They wait until everything is sent, not for one round of it.
    if (continuesAtOnce(result) && !signal.aborted) return void this.#waiters.push(...waiters);
    for (const done of waiters) done();
  }

  /**
   * Reads what the cloud has, then pushes what waits: in this order a conflict is seen while the local change still
   * waits. What the remote or the database throws becomes the result's failure.
   */
  async #round(signal: AbortSignal): Promise<RoundResult> {
    const { forbidden } = this.#shared.remote;
    this.#requests.startRound(signal);
    try {
      if (forbidden) throw forbidden;
      const pulled = await this.#puller?.run() ?? { progress: false };
      // Where reading fails, writing may succeed, but not without an answer or a sign-in.
      if (pulled.failure && preventsPush(pulled.failure)) return pulled;
      const pushed = await this.#pusher.run();
      await this.#pusher.pushHealth();
      const { failure, tableOnly = false } = pushed.failure ? pushed : pulled;
      return {
        ...pushed,
        ...(failure ? { failure, tableOnly } : {}),
        progress: pushed.progress || pulled.progress,
      };
    } catch (error) {
      return { failure: failureOf(error), progress: false };
    } finally {
      this.#requests.endRound();
    }
  }

  /** Tables that back off and rows that were deferred are tried in the next round. */
  #retryAll(): void {
    this.#pusher.retryAll();
    this.#puller?.retryAll();
  }

  /** Decides by the result when the next round is. */
  #conclude(result: RoundResult): void {
    const { failure, deferredReason } = result;
    const { clock, random, schedule, onChange } = this.#options;
    const cause = failure ?? deferredReason;
    if (cause) this.#failed(cause, !failure);
    else this.#succeeded();
    const intervalMs = schedule.intervalMs();
    const { waitMs, wakeMs } = nextRound(result, { failures: this.#failures, intervalMs, random });
    this.#notBeforeMs = clock.monotonic() + wakeMs;
    this.#wait(waitMs);
    onChange();
  }

  #succeeded(): void {
    if (this.#failures > 0) {
      logger("sync").info("{lane} continues after {failures} failures", {
        lane: this.name,
        failures: this.#failures,
      });
    }
    this.#failures = 0;
    this.#failure = undefined;
    this.#notBeforeMs = 0;
    this.#fruitlessReconnects = 0;
    this.#options.warnings.clear(this.#code);
  }

  #failed(failure: Failure, partial: boolean): void {
    const { clock, warnings } = this.#options;
    // Once for each change of the cause, whatever the number of rows: a week without a cloud is one log line.
    if (kindOf(failure) !== (this.#failure && kindOf(this.#failure))) {
      const { message, cause: error } = failure;
      if (error === undefined) {
        logger("sync").warn("{lane}: {message}", { lane: this.name, message });
      } else {
        logger("sync").error("{lane}: {message}: {error}", { lane: this.name, message, error });
      }
    }
    this.#failures++;
    this.#failure = { ...failure, at: instantOf(clock.now()) };
    this.#partial = partial;
    const advice = this.#advice(failure);
    const { name } = this.#shared.remote;
    if (advice) {
      warnings.raise(this.#code, `${this.name} to ${name}: ${kindOf(failure)}; ${advice}`);
    } else warnings.clear(this.#code);
  }

  /** What a person has to do; null when the lane continues by itself. */
  #advice(failure: Failure): string | null {
    if (failure.verdict.action !== "sign-in") return failure.verdict.advice ?? null;
    return this.#shared.remote.refresh
      ? "sign in again: `clockblock login`"
      : "it does not know this device: check device_token";
  }

  #errorOf(failure: Failure & { at: string }): LaneStatus["last_error"] {
    const { at, status = null, code = null, message } = failure;
    return { at, status, code, message, advice: this.#advice(failure) };
  }

  /** The remote answers again, which proves little: a probe may pass where a push hangs. */
  #reconnected(): void {
    if (!this.#wasCutOff || this.#requests.active) return;
    const now = this.#options.clock.monotonic();
    const doublings = Math.min(this.#fruitlessReconnects, 10);
    const rest = Math.min(MAX_RECONNECT_MS, MIN_RECONNECT_MS * 2 ** doublings);
    if (now - this.#reconnectedMs < rest) return;
    this.#reconnectedMs = now;
    this.#fruitlessReconnects++;
    this.hurry();
  }

  /** Whether a reachable remote may be all that the lane needs. */
  get #wasCutOff(): boolean {
    return this.#failure ? this.#failure.answered === false : this.#options.outbox.depth().rows > 0;
  }

  #wait(ms: number): void {
    this.#waitMs = Math.max(1, ms);
    this.#nextAt = instantOf(this.#options.clock.now() + ms);
  }

  get #code(): string {
    return `sync.${this.name}`;
  }
}
