/**
 * One remote as the lanes that push to it share it: whether it was last seen, its clock, its sign-in.
 * It is probed while it is out of reach, so that the lanes need not wait for the end of their backoff, and while
 * somebody wants to know: rows wait or a page is open.
 * @module
 */
import { type Clock, every, logger, Notifier, type Remote, type Warnings } from "../core/mod.ts";
import { attempt } from "./attempt.ts";
import { jitteredMs } from "./backoff.ts";
import { failureOf } from "./errors.ts";

export interface ConnectionOptions {
  remote: Remote;
  clock: Clock;
  random: () => number;
  warnings: Warnings;
  /** Whether rows wait or a page is open. */
  wanted?: () => boolean;
}

/** Probe interval while the remote is out of reach. */
const PROBE_AWAY_MS = 10_000;
/** Age of the evidence that asks for a probe while somebody wants to know. */
const PROBE_WANTED_MS = 50_000;
/** Probe interval otherwise: the clocks are compared. */
const PROBE_MS = 60 * 60_000;
const PROBE_TIMEOUT_MS = 10_000;
/** A clock that is off by more than this gives people wrong days. */
const CLOCK_OFF_MS = 60_000;

/** What a connection tells about the remote. */
export interface Evidence {
  /** When, on the monotonic clock. */
  at: number;
  reached: boolean;
}

export class Connection {
  readonly remote: Remote;
  /** The remote's clock less this machine's, in milliseconds; null until it was compared. */
  clockOffsetMs: number | null = null;
  /** The newest sign of whether it can be reached; undefined before the first. */
  evidence: Evidence | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #warnings: Warnings;
  readonly #wanted: () => boolean;
  readonly #wake = new Notifier();
  readonly #listeners: ((reached: boolean) => void)[] = [];
  #stop = new AbortController().signal;
  #refreshing: Promise<boolean> | undefined;
  /** When the last probe was, on the monotonic clock; -Infinity: one is asked for. */
  #probedMs = -Infinity;

  constructor({ remote, clock, random, warnings, wanted = () => false }: ConnectionOptions) {
    this.remote = remote;
    this.#clock = clock;
    this.#random = random;
    this.#warnings = warnings;
    this.#wanted = wanted;
  }

  /** Calls back whenever the remote comes into reach or goes out of it. */
  onChange(listener: (reached: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** A lane had an answer from the remote, or none. */
  heard(reached: boolean): void {
    const lost = this.evidence?.reached !== false && !reached;
    this.#note(reached);
    if (lost) this.probeSoon();
  }

  /** Asks the remote whether it is there, soon. */
  probeSoon(): void {
    this.#probedMs = -Infinity;
    this.#wake.notify();
  }

  /** Makes the sign-in fresh; lanes that ask at the same time share one request. */
  refresh(signal: AbortSignal): Promise<boolean> {
    this.#refreshing ??= (this.remote.refresh?.({ signal }) ?? Promise.resolve(false))
      .finally(() => this.#refreshing = undefined);
    return this.#refreshing;
  }

  /** Probes at once and from time to time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#stop = signal;
    const lookMs = jitteredMs(PROBE_AWAY_MS, this.#random);
    await every(lookMs, () => this.#isDue() ? this.#probe() : undefined, {
      signal,
      name: "sync.probe",
      clock: this.#clock,
      wake: this.#wake,
    });
  }

  #isDue(): boolean {
    const now = this.#clock.monotonic();
    if (!this.evidence?.reached || now - this.#probedMs >= PROBE_MS) return true;
    return now - this.evidence.at >= PROBE_WANTED_MS && this.#wanted();
  }

  async #probe(): Promise<void> {
    this.#probedMs = this.#clock.monotonic();
    try {
      const { clockOffsetMs } = await attempt((signal) => this.remote.probe({ signal }), {
        clock: this.#clock,
        timeoutMs: PROBE_TIMEOUT_MS,
        stop: this.#stop,
        graceMs: 0,
      });
      if (clockOffsetMs !== null) this.#compare(clockOffsetMs);
      this.#note(true);
    } catch (error) {
      if (this.#stop.aborted) return;
      const { message, answered = false } = failureOf(error);
      logger("sync").debug("Probe of {remote} failed: {error}", {
        remote: this.remote.name,
        error: message,
      });
      this.#note(answered);
    }
  }

  #note(reached: boolean): void {
    const before = this.evidence?.reached;
    this.evidence = { at: this.#clock.monotonic(), reached };
    if (before === reached) return;
    for (const listener of this.#listeners) listener(reached);
  }

  #compare(offsetMs: number): void {
    this.clockOffsetMs = offsetMs;
    // Clouds may disagree: one that is right does not excuse this machine with another.
    const code = `sync.clock.${this.remote.name}`;
    if (Math.abs(offsetMs) <= CLOCK_OFF_MS) return this.#warnings.clear(code);
    // Rounded, so that a few milliseconds more are no news.
    const minutes = Math.max(1, Math.round(Math.abs(offsetMs) / 60_000));
    const way = offsetMs > 0 ? "behind" : "ahead of";
    this.#warnings.raise(
      code,
      `This machine's clock is about ${minutes} min ${way} ${this.remote.name}: set it, or the minutes go to wrong days`,
    );
  }
}
