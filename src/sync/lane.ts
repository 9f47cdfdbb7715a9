/**
 * A lane brings one stream's rows to its remote, and for records takes what comes back: on its own schedule,
 * with its own backoff, so that a broken table does not stop the other streams.
 *
 *     timer · wake · network up · now()  →  exchange  →  wait: schedule, backoff or pause
 * @module
 */
import { every, instantOf, logger, Notifier, type Schedule, type StreamName } from "../core/mod.ts";
import { backoffMs, jitteredMs, retryAfterFloorMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import type { Drained } from "./drain.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { type Failure, needsPerson } from "./errors.ts";
import type { LaneStatus, SyncState } from "./status.ts";

export interface LaneOptions extends Omit<ExchangeOptions, "batchSize" | "roundSize"> {
  schedule: Schedule;
  random: () => number;
}

/** How often a remote is asked again while it waits for a person. */
const PAUSE_MS = 3 * 60_000;
/** The least time between attempts of a failing lane, however often it is woken. */
const BREATH_MS = 1_000;
/** The least time between two returns of the remote that end a backoff; doubled while they do not help. */
const RETURN_MS = 15_000;
const MOST_RETURN_MS = 5 * 60_000;

export class Lane {
  readonly name: StreamName;
  readonly #options: LaneOptions;
  readonly #connection: Connection;
  readonly #exchange: Exchange;
  readonly #wake: Notifier;
  #stop: AbortSignal | undefined;

  #waiters: (() => void)[] = [];
  /** The next round begins whatever the lane is waiting for. */
  #urgent = false;
  /** Until then (monotonic) waking only shortens the wait to this moment. */
  #notBeforeMs = 0;
  #waitMs = 1;
  #nextAt: string | null = null;

  #failures = 0;
  #failure: Failure & { at: string } | undefined;
  /** Whether the failure is of some rows only, which the remote wants another time. */
  #partial = false;
  #returnAtMs = -Infinity;
  #fruitlessReturns = 0;

  constructor(options: LaneOptions) {
    this.name = options.name;
    this.#options = options;
    this.#connection = options.connection;
    const { batchSize, roundSize, wake } = options.schedule;
    this.#exchange = new Exchange({ ...options, batchSize, roundSize });
    this.#wake = wake ?? new Notifier();
    options.connection.onChange((reached) => {
      if (reached) this.#returned();
      options.onChange();
    });
  }

  /** Syncs until the signal aborts; then a request that is under way has a moment to end. */
  async run(signal: AbortSignal): Promise<void> {
    this.#stop = signal;
    const { clock } = this.#options;
    await Promise.all([
      every(() => this.#waitMs, () => this.#round(signal), {
        signal,
        name: `sync.${this.name}`,
        clock,
        wake: this.#wake,
      }),
      this.#watch(signal),
    ]);
    for (const done of this.#waiters.splice(0)) done();
  }

  /** Syncs at once, whatever the lane is waiting for; resolves when it has drained or failed. */
  now(): Promise<void> {
    if (this.#stop?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    this.hurry();
    return promise;
  }

  /** Syncs at once, whatever the lane was waiting for. */
  hurry(): void {
    this.#urgent = true;
    this.#wake.notify();
  }

  /** The machine's network has changed: a lane that had no answer, or has rows that wait, tries again. */
  networkChanged(): void {
    this.#fruitlessReturns = 0;
    if (this.#wasCutOff) this.hurry();
  }

  /** Forgets its failures and what it waited for, and begins anew. */
  reset(): void {
    this.#succeeded();
    this.#exchange.forget();
    this.hurry();
  }

  /** The clock of its cloud less this machine's. */
  get clockOffsetMs(): number | null {
    return this.#connection.clockOffsetMs;
  }

  get state(): SyncState {
    const reached = this.#connection.evidence?.reached;
    if (this.#exchange.busy) return reached && !this.#failure ? "syncing" : "connecting";
    if (this.#failure && (!this.#partial || needsPerson(this.#failure))) {
      const away = this.#failure.answered === false && !needsPerson(this.#failure);
      return away ? "disconnected" : "failed";
    }
    // A command that only looks at the database connects to nothing.
    if (reached === undefined) return this.#stop ? "connecting" : "disconnected";
    return reached ? "connected" : "disconnected";
  }

  status(): Omit<LaneStatus, "rows_rejected"> {
    const { tally } = this.#exchange;
    const { rows, oldest } = this.#options.outbox.depth();
    return {
      stream: this.name,
      state: this.state,
      remote: this.#connection.remote.name,
      rows_waiting: rows,
      oldest_waiting_at: oldest,
      last_attempt_at: tally.lastAttemptAt,
      last_success_at: tally.lastSuccessAt,
      next_attempt_at: this.#exchange.busy ? null : this.#nextAt,
      last_error: this.#failure ? this.#errorOf(this.#failure) : null,
      failures_in_a_row: this.#failures,
      mean_latency_ms: tally.meanLatencyMs,
      requests: tally.requests,
      requests_failed: tally.requestsFailed,
      rows_pushed: tally.rowsPushed,
      rows_refused: tally.rowsRefused,
      rows_pulled: tally.rowsPulled,
      reading: this.#options.inbox?.reading?.() ?? null,
    };
  }

  async #round(signal: AbortSignal): Promise<void> {
    const early = this.#notBeforeMs - this.#options.clock.monotonic();
    if (early > 0 && !this.#urgent) return this.#wait(early);
    if (this.#urgent) this.#exchange.retryPaused();
    this.#urgent = false;
    const waiters = this.#waiters.splice(0);
    const outcome = await this.#exchange.run(signal);
    if (!signal.aborted) this.#conclude(outcome);
    // They wait for the end of what waits, not for one round of it.
    if (goesOnAtOnce(outcome) && !signal.aborted) return void this.#waiters.push(...waiters);
    for (const done of waiters) done();
  }

  /** Decides by the outcome when the next round is. */
  #conclude(outcome: Drained): void {
    const { failure, heldFor, progress } = outcome;
    const { clock, random, schedule, onChange } = this.#options;
    const trouble = failure ?? heldFor;
    const interval = goesOnAtOnce(outcome) ? 0 : jitteredMs(schedule.intervalMs(), random);
    if (!trouble) {
      this.#succeeded();
      this.#wait(interval);
      return onChange();
    }
    // What still flows keeps its schedule; only some rows or one table are left behind.
    const flows = !failure || (progress && outcome.tableOnly === true);
    this.#failed(trouble, !failure);
    const { retryAfterMs } = trouble;
    const floor = retryAfterFloorMs(retryAfterMs);
    const pause = jitteredMs(PAUSE_MS, random);
    const backoff = backoffMs(this.#failures, { retryAfterMs, random });
    const calm = needsPerson(trouble) ? Math.max(floor, pause) : backoff;
    const wait = flows ? Math.min(calm, interval) : calm;
    const deaf = interval === 0
      ? 0
      : needsPerson(trouble) && !flows
      ? wait
      : Math.max(floor, BREATH_MS);
    this.#notBeforeMs = clock.monotonic() + Math.min(wait, deaf);
    this.#wait(wait);
    onChange();
  }

  #succeeded(): void {
    if (this.#failures > 0) {
      logger("sync").info("{lane} goes on after {failures} failures", {
        lane: this.name,
        failures: this.#failures,
      });
    }
    this.#failures = 0;
    this.#failure = undefined;
    this.#notBeforeMs = 0;
    this.#fruitlessReturns = 0;
    this.#options.warnings.clear(this.#code);
  }

  #failed(failure: Failure, partial: boolean): void {
    const { clock, warnings } = this.#options;
    // Once for each change of what is wrong, whatever the number of rows: a cloud that is away for a week is
    // no week of log lines.
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
    const { name } = this.#connection.remote;
    if (advice) {
      warnings.raise(this.#code, `${this.name} to ${name}: ${kindOf(failure)}; ${advice}`);
    } else warnings.clear(this.#code);
  }

  /** What a person has to do; null when the lane goes on by itself. */
  #advice(failure: Failure): string | null {
    if (failure.verdict.action !== "sign-in") return failure.verdict.advice ?? null;
    return this.#connection.remote.refresh
      ? "sign in again: `clockblock login`"
      : "it does not know this device: check device_token";
  }

  #errorOf(failure: Failure & { at: string }): LaneStatus["last_error"] {
    const { at, status = null, code = null, message } = failure;
    return { at, status, code, message, advice: this.#advice(failure) };
  }

  /** The remote can be reached again. It may be lying: a probe passes where a push hangs. */
  #returned(): void {
    if (!this.#wasCutOff || this.#exchange.busy) return;
    const now = this.#options.clock.monotonic();
    const rest = Math.min(MOST_RETURN_MS, RETURN_MS * 2 ** Math.min(this.#fruitlessReturns, 10));
    if (now - this.#returnAtMs < rest) return;
    this.#returnAtMs = now;
    this.#fruitlessReturns++;
    this.hurry();
  }

  /** Whether a way to the remote is all that the lane may lack. */
  get #wasCutOff(): boolean {
    return this.#failure ? this.#failure.answered === false : this.#options.outbox.depth().rows > 0;
  }

  /** Rings when the remote says that something has changed; begins anew when it stops saying. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { inbox, clock, random } = this.#options;
    const { remote } = this.#connection;
    if (!inbox || !remote.watch) return;
    let failures = 0;
    let waitMs = 1;
    await every(() => waitMs, async () => {
      const started = clock.monotonic();
      try {
        await remote.watch?.(() => this.#wake.notify(), { signal });
      } finally {
        failures = clock.monotonic() - started > PAUSE_MS ? 1 : failures + 1;
        waitMs = Math.max(1, backoffMs(failures, { random }));
      }
    }, {
      signal,
      name: `sync.${this.name}.watch`,
      clock,
      onError: (error) =>
        logger("sync").debug("{lane} is not told of changes: {error}", { lane: this.name, error }),
    });
  }

  #wait(ms: number): void {
    this.#waitMs = Math.max(1, ms);
    this.#nextAt = instantOf(this.#options.clock.now() + ms);
  }

  get #code(): string {
    return `sync.${this.name}`;
  }
}

/** Whether the next round follows this one: a full round with more behind it, unless what was held has to wait. */
function goesOnAtOnce({ more = false, progress, failure, tableOnly, heldFor }: Drained): boolean {
  return more && progress && !heldFor && (!failure || tableOnly === true);
}

/** What is wrong, in the same words for any number of rows. */
function kindOf({ status, code, message }: Failure): string {
  if (status === undefined) return code ?? message.replaceAll(/\d+/g, "…");
  return code === undefined ? `status ${status}` : `status ${status} (${code})`;
}
