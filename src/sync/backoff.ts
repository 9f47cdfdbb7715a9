/**
 * How long to wait after a failure: 1, 2, 4, 8 … s up to 5 minutes, of which a random part is taken (full jitter), so
 * that a fleet that failed together does not return together. There is no last attempt.
 * @module
 */
import type { Clock } from "../core/mod.ts";
import { type Failure, needsPerson, type RoundResult } from "./errors.ts";

const FIRST_MS = 1_000;
const MAX_MS = 5 * 60_000;
/** A longer `Retry-After` is cut to this: headers have typing errors too. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;
/** The interval of rounds while a person is needed. */
const PAUSE_MS = 3 * 60_000;
/** The least time between rounds of a failing lane, however often it is woken. */
const MIN_ROUND_MS = 1_000;
/** The first pause of a table that may recover by itself; doubled with every failure. */
const FIRST_TABLE_MS = 5_000;
/** A little less than a lane waits, so that its next round tries the table again. */
const MAX_TABLE_MS = 150_000;

export interface BackoffOptions {
  /** The cloud's `Retry-After`: the wait is never shorter (up to an hour). */
  retryAfterMs?: number | undefined;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * The wait in milliseconds after `failures` failures in a row.
 *
 *     failures   1    2    3    4  …  9      10     10 000
 *     at most    1 s  2 s  4 s  8 s … 256 s  300 s  300 s
 */
export function backoffMs(failures: number, options: BackoffOptions = {}): number {
  const { retryAfterMs, random = Math.random } = options;
  const doublings = Math.min(Math.max(0, failures - 1), 30);
  const wait = random() * Math.min(MAX_MS, FIRST_MS * 2 ** doublings);
  const floor = retryAfterFloorMs(retryAfterMs);
  // Up to a tenth later: every client was given the same time.
  return Math.round(wait >= floor ? wait : floor * (1 + 0.1 * random()));
}

/** The part of a wait that a `Retry-After` forbids to shorten. */
export function retryAfterFloorMs(retryAfterMs: number | undefined): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs ?? 0));
}

/** An interval made up to a tenth shorter or longer. */
export function jitteredMs(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.9 + 0.2 * random()));
}

/** Whether the next round follows at once: after a full round with more rows left, unless rows were deferred. */
export function continuesAtOnce(
  { more = false, progress, failure, tableOnly, deferredReason }: RoundResult,
): boolean {
  return more && progress && !deferredReason && (!failure || tableOnly === true);
}

export interface NextRoundOptions {
  /** Failures in a row, this one included. */
  failures: number;
  /** The schedule's. */
  intervalMs: number;
  random: () => number;
}

/** The time to a lane's next round, and the time until which a notification starts none; both in milliseconds. */
export function nextRound(
  result: RoundResult,
  { failures, intervalMs, random }: NextRoundOptions,
): { waitMs: number; wakeMs: number } {
  const { failure, deferredReason, progress, tableOnly } = result;
  const cause = failure ?? deferredReason;
  const atOnce = continuesAtOnce(result);
  const scheduled = atOnce ? 0 : jitteredMs(intervalMs, random);
  if (!cause) return { waitMs: scheduled, wakeMs: 0 };
  // Only some rows or one table are left behind: the others keep the schedule.
  const flows = !failure || (progress && tableOnly === true);
  const { retryAfterMs } = cause;
  const floor = retryAfterFloorMs(retryAfterMs);
  const pause = jitteredMs(PAUSE_MS, random);
  const backoff = backoffMs(failures, { retryAfterMs, random });
  const retry = needsPerson(cause) ? Math.max(floor, pause) : backoff;
  const waitMs = flows ? Math.min(retry, scheduled) : retry;
  const wakeMs = needsPerson(cause) && !flows ? waitMs : Math.max(floor, MIN_ROUND_MS);
  return { waitMs, wakeMs: atOnce ? 0 : Math.min(waitMs, wakeMs) };
}

/**
 * Backoff of single tables, so that one that cannot be read or written does not stop the others. A table that needs a
 * person is tried again every few minutes, since nothing reports that it was repaired.
 */
export class TableBackoff {
  readonly #clock: Clock;
  readonly #tables = new Map<string, { untilMs: number; failures: number; failure: Failure }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(table: string, failure: Failure): void {
    const failures = (this.#tables.get(table)?.failures ?? 0) + 1;
    const ms = needsPerson(failure)
      ? MAX_TABLE_MS
      : Math.min(MAX_TABLE_MS, FIRST_TABLE_MS * 2 ** Math.min(failures - 1, 10));
    this.#tables.set(table, { untilMs: this.#clock.monotonic() + ms, failures, failure });
  }

  succeeded(table: string): void {
    this.#tables.delete(table);
  }

  clear(): void {
    this.#tables.clear();
  }

  /** The tables to skip now. */
  tables(): Set<string> {
    return new Set(this.#waiting().map(([table]) => table));
  }

  /** Why one of them waits. */
  get failure(): Failure | undefined {
    return this.#waiting()[0]?.[1].failure;
  }

  #waiting() {
    const now = this.#clock.monotonic();
    return [...this.#tables].filter(([, { untilMs }]) => untilMs > now);
  }
}
