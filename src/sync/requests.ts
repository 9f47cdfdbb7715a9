/**
 * The requests of one lane to its remote: each with a deadline and counted; a refused sign-in is refreshed once a round
 * and the request repeated.
 * @module
 */
import {
  type Clock,
  type Cursor,
  Deadline,
  type Instant,
  instantOf,
  type OutboxBatch,
  type Page,
  type PushResult,
  RemoteError,
} from "../core/mod.ts";
import { failureOf, verdictOf } from "./errors.ts";
import type { SharedRemote } from "./shared_remote.ts";

export interface LaneRequestsOptions {
  shared: SharedRemote;
  clock: Clock;
  /** How long one request may take. */
  timeoutMs: number;
  /** Called before a round's first request. */
  onChange(): void;
}

/** How long a request in flight may take after the agent stops. */
const GRACE_MS = 1_500;
/** The weight of the newest request in the moving average. */
const NEWEST_WEIGHT = 0.2;

export class LaneRequests {
  lastAttemptAt: Instant | null = null;
  lastSuccessAt: Instant | null = null;
  meanLatencyMs: number | null = null;
  count = 0;
  failed = 0;
  /** Whether this round has made a request. */
  active = false;
  readonly #options: LaneRequestsOptions;
  #stop = new AbortController().signal;
  #refreshed = false;

  constructor(options: LaneRequestsOptions) {
    this.#options = options;
  }

  startRound(stop: AbortSignal): void {
    this.#stop = stop;
    this.#refreshed = false;
  }

  endRound(): void {
    this.active = false;
  }

  /** Whether the agent stops: no further request is to be made. */
  get stopped(): boolean {
    return this.#stop.aborted;
  }

  async push(batch: OutboxBatch): Promise<PushResult> {
    const { remote } = this.#options.shared;
    for (;;) {
      const startedMs = this.#start();
      try {
        using deadline = this.#deadline();
        const result = await deadline.limit(remote.push(batch, { signal: deadline.signal }));
        this.#succeeded(startedMs);
        return result;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** Only for a remote that has `pull`. */
  async pull(table: string, cursor: Cursor | null, rows: number): Promise<Page> {
    const { remote } = this.#options.shared;
    for (;;) {
      const startedMs = this.#start();
      try {
        using deadline = this.#deadline();
        const { signal } = deadline;
        const page = await deadline.limit(remote.pull!(table, cursor, { rows, signal }));
        this.#succeeded(startedMs);
        return page;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  #start(): number {
    if (!this.active) {
      this.active = true;
      this.#options.onChange();
    }
    return this.#options.clock.monotonic();
  }

  #deadline(): Deadline {
    const { clock, timeoutMs: ms } = this.#options;
    const message = `Cannot wait longer for an answer: none in ${ms / 1_000} s`;
    return new Deadline({ ms, signal: this.#stop, graceMs: GRACE_MS, message, clock });
  }

  #succeeded(startedMs: number): void {
    const { clock, shared } = this.#options;
    const tookMs = clock.monotonic() - startedMs;
    const mean = this.meanLatencyMs;
    this.meanLatencyMs = mean === null ? tookMs : mean + (tookMs - mean) * NEWEST_WEIGHT;
    this.lastAttemptAt = this.lastSuccessAt = instantOf(clock.now());
    this.count++;
    shared.note(true);
  }

  /** Returns when the request may be repeated; otherwise throws its error. */
  async #recover(error: unknown): Promise<void> {
    const { clock, shared } = this.#options;
    this.lastAttemptAt = instantOf(clock.now());
    this.count++;
    this.failed++;
    // A request that the stop cut short proves nothing about the remote.
    if (!this.stopped) shared.note(failureOf(error).answered ?? false);
    const final = this.#refreshed || this.stopped || !shared.remote.refresh;
    if (final || !isSignIn(error)) throw error;
    this.#refreshed = true;
    using deadline = this.#deadline();
    if (!await deadline.limit(shared.refresh(deadline.signal))) throw error;
  }
}

function isSignIn(error: unknown): boolean {
  return error instanceof RemoteError && verdictOf(error).action === "sign-in";
}
