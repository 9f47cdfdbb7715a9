/**
 * A remote as the lanes that push to it share it: its reachability, its clock, its sign-in. It is probed while it is out
 * of reach, so that the lanes need not wait for the end of their backoff, and while rows wait or a page is open.
 * @module
 */
import {
  type Clock,
  Deadline,
  every,
  logger,
  Notifier,
  type Remote,
  type Warnings,
} from "../core/mod.ts";
import { jitteredMs } from "./backoff.ts";
import { failureOf } from "./errors.ts";

export interface SharedRemoteOptions {
  remote: Remote;
  clock: Clock;
  random: () => number;
  warnings: Warnings;
  /** Whether rows wait or a page is open. */
  wanted?: () => boolean;
}

/** Probe interval while the remote is out of reach. */
const PROBE_AWAY_MS = 10_000;
/** Age of the evidence after which a probe is due while rows wait or a page is open. */
const PROBE_WANTED_MS = 50_000;
/** Probe interval otherwise, to compare the clocks. */
const PROBE_MS = 60 * 60_000;
const PROBE_TIMEOUT_MS = 10_000;
/** A clock offset beyond this puts minutes on wrong days. */
const MAX_CLOCK_OFFSET_MS = 60_000;

/** Whether the remote could be reached. */
export interface Evidence {
  /** When, on the monotonic clock. */
  atMs: number;
  reached: boolean;
}

export class SharedRemote {
  readonly remote: Remote;
  /** The remote's clock less this machine's, in milliseconds; null until it was compared. */
  clockOffsetMs: number | null = null;
  /** By the newest request or probe; undefined before the first. */
  evidence: Evidence | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #warnings: Warnings;
  readonly #wanted: () => boolean;
  readonly #wake = new Notifier();
  readonly #listeners: ((reached: boolean) => void)[] = [];
  #stop = new AbortController().signal;
  #refreshing: Promise<boolean> | undefined;
  /** When the last probe was, on the monotonic clock; -Infinity makes one due. */
  #probedMs = -Infinity;

  constructor({ remote, clock, random, warnings, wanted = () => false }: SharedRemoteOptions) {
    this.remote = remote;
    this.#clock = clock;
    this.#random = random;
    this.#warnings = warnings;
    this.#wanted = wanted;
  }

  /** Calls back when the remote comes into reach or goes out of it. */
  onChange(listener: (reached: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** A lane's request was answered, or not. */
  note(reached: boolean): void {
    const lost = this.evidence?.reached !== false && !reached;
    this.#set(reached);
    if (lost) this.probeSoon();
  }

  /** Probes the remote soon. */
  probeSoon(): void {
    this.#probedMs = -Infinity;
    this.#wake.notify();
  }

  /** Refreshes the sign-in; lanes that ask at the same time share one request. */
  refresh(signal: AbortSignal): Promise<boolean> {
    this.#refreshing ??= (this.remote.refresh?.({ signal }) ?? Promise.resolve(false))
      .finally(() => this.#refreshing = undefined);
    return this.#refreshing;
  }

  /** Probes at once and from time to time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#stop = signal;
    const intervalMs = jitteredMs(PROBE_AWAY_MS, this.#random);
    await every(intervalMs, () => this.#isDue() ? this.#probe() : undefined, {
      signal,
      name: "sync.probe",
      clock: this.#clock,
      wake: this.#wake,
    });
  }

  #isDue(): boolean {
    const now = this.#clock.monotonic();
    if (!this.evidence?.reached || now - this.#probedMs >= PROBE_MS) return true;
    return now - this.evidence.atMs >= PROBE_WANTED_MS && this.#wanted();
  }

  async #probe(): Promise<void> {
    this.#probedMs = this.#clock.monotonic();
    try {
      using deadline = new Deadline({
        ms: PROBE_TIMEOUT_MS,
        signal: this.#stop,
        clock: this.#clock,
      });
      const probe = this.remote.probe({ signal: deadline.signal });
      const { clockOffsetMs } = await deadline.limit(probe);
      if (clockOffsetMs !== null) this.#compare(clockOffsetMs);
      this.#set(true);
    } catch (error) {
      if (this.#stop.aborted) return;
      const { message, answered = false } = failureOf(error);
      logger("sync").debug("Probe of {remote} failed: {error}", {
        remote: this.remote.name,
        error: message,
      });
      this.#set(answered);
    }
  }

  #set(reached: boolean): void {
    const before = this.evidence?.reached;
    this.evidence = { atMs: this.#clock.monotonic(), reached };
    if (before === reached) return;
    for (const listener of this.#listeners) listener(reached);
  }

  #compare(offsetMs: number): void {
    this.clockOffsetMs = offsetMs;
    // One warning per remote: clouds may disagree.
    const code = `sync.clock.${this.remote.name}`;
    if (Math.abs(offsetMs) <= MAX_CLOCK_OFFSET_MS) return this.#warnings.clear(code);
    // Rounded, so that a few milliseconds more do not change the warning.
    const minutes = Math.max(1, Math.round(Math.abs(offsetMs) / 60_000));
    const way = offsetMs > 0 ? "behind" : "ahead of";
    this.#warnings.raise(
      code,
      `This machine's clock is about ${minutes} min ${way} ${this.remote.name}: set it, or the minutes go to wrong days`,
    );
  }
}
