/**
 * Follows the events of a mode: live from the agent, from the cloud while the agent is away. The edge around
 * `source.ts`, which decides, and `seen.ts`, which knows what was handed on.
 * @module
 */
import type { LocalEvent } from "./event.ts";
import { type LocalReads, localReads } from "./local.ts";
import { Seen } from "./seen.ts";
import { initialSource, type LiveSource, nextSource, type SourceNews, sourceOf } from "./source.ts";
import { type RemoteReads, type SupabaseOptions, supabaseReads } from "./supabase.ts";

export interface LocalLiveOptions {
  /** `http://127.0.0.1:3841`; without it the cloud alone is read. */
  localUrl?: string;
  mode: string;
  /** Where to read while the agent is away; without it there is nothing then. */
  supabase?: SupabaseOptions;
  /** The agent's token, which it takes when it is bound to the LAN. */
  token?: string;
  /** How many of the newest events to begin with (default 50). */
  recent?: number;
  /** Begin after this `seq` instead, which an earlier visit ended with. */
  sinceSeq?: number;
  /** How long the agent may take to answer (default 1.5 s). */
  timeoutMs?: number;
  clock?: LiveClock;
  fetch?: typeof globalThis.fetch;
}

/** Where time comes from. */
export interface LiveClock {
  now(): number;
  monotonic(): number;
  wait(ms: number, options?: { signal?: AbortSignal }): Promise<void>;
}

/** What a listener is called with. */
export interface LiveChange {
  /** New events, none of them twice; in the order of `seq` but for those that the cloud lacked. */
  readonly events: readonly LocalEvent[];
  readonly source: LiveSource;
  readonly lastSeq: number;
  readonly syncedAgo: number | null;
}

export interface LocalLive {
  readonly source: LiveSource;
  /** The highest `seq` that was handed on; 0 before the first. */
  readonly lastSeq: number;
  /** Seconds since the agent last wrote events to the cloud; null when that is not known. */
  readonly syncedAgo: number | null;
  /** Why the last request to the agent or the cloud failed; null after a success. */
  readonly lastError: string | null;
  /** Calls back with new events, when the source changes, and when events reached the cloud. @returns a function that ends it */
  subscribe(listener: (change: LiveChange) => void): () => void;
  close(): void;
}

const systemClock: LiveClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait(ms, { signal } = {}) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done, { once: true });
    });
  },
};

/** Events of a page: the maximum of the agent and of PostgREST. */
const PAGE_EVENTS = 1_000;
/** Poll interval where streams do not come through, */
const LOCAL_POLL_MS = 2_000;
/** and how long until a stream is tried again. */
const STREAM_RETRY_MS = 10_000;
/** Newest gaps in which events are looked for again: the cloud may have received them since. */
const MAX_HOLES = 20;
/** Silence of a stream after which the agent is asked whether it still runs. */
const QUIET_MS = 1_500;
/** How often a busy stream's agent is asked when events last reached the cloud. */
const STATE_MS = 5_000;

/** Connects, and stays connected until it is closed. */
export function connectLocalLive(options: LocalLiveOptions): LocalLive {
  return new Connection(options);
}

class Connection implements LocalLive {
  readonly #options: LocalLiveOptions;
  readonly #clock: LiveClock;
  readonly #local: LocalReads;
  readonly #remote: RemoteReads | undefined;
  readonly #closed = new AbortController();
  readonly #listeners = new Set<(change: LiveChange) => void>();
  readonly #seen = new Seen();
  #state;
  #poke = new AbortController();
  #lastFlushMs: number | null = null;
  #lastError: string | null = null;

  constructor(options: LocalLiveOptions) {
    const { supabase, mode, sinceSeq, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    // Called as a method of another object, a browser's fetch refuses.
    const given = options.fetch ?? globalThis.fetch;
    const fetch: typeof given = (...request) => given(...request);
    this.#local = localReads({
      url: options.localUrl ?? "",
      mode,
      token: options.token,
      fetch,
      wait: (ms, { signal }) => clock.wait(ms, { signal }),
      timeoutMs: options.timeoutMs ?? 1_500,
    });
    this.#remote = supabase &&
      supabaseReads(supabase, { mode, fetch, signal: this.#closed.signal });
    if (sinceSeq !== undefined) this.#seen.startAt(sinceSeq);
    this.#state = initialSource({
      hasLocal: options.localUrl !== undefined,
      hasRemote: supabase !== undefined,
      pollMs: supabase?.pollMs ?? 5_000,
      nowMs: clock.monotonic(),
    });
    void this.#run();
  }

  get source(): LiveSource {
    return sourceOf(this.#state);
  }

  get lastSeq(): number {
    return this.#seen.last;
  }

  get syncedAgo(): number | null {
    if (this.#lastFlushMs === null) return null;
    return Math.max(0, Math.round((this.#clock.now() - this.#lastFlushMs) / 1_000));
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  subscribe(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed.abort();
    this.#poke.abort();
    this.#listeners.clear();
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      const { localAtMs, remoteAtMs } = this.#state;
      const nowMs = this.#clock.monotonic();
      if (localAtMs <= nowMs) {
        this.#step({ kind: "local-trying" });
        void this.#followLocal();
      } else if (remoteAtMs <= nowMs) {
        this.#step({ kind: "remote-polling" });
        void this.#pollRemote();
      } else {
        this.#poke = new AbortController();
        // A timer takes no more than 2³¹ ms; nothing due is a day's sleep until something happens.
        const ms = Math.min(localAtMs, remoteAtMs, nowMs + 86_400_000) - nowMs;
        await this.#clock.wait(ms, { signal: this.#poke.signal });
      }
    }
  }

  #step(news: SourceNews): void {
    const before = this.source;
    this.#state = nextSource(this.#state, news);
    this.#poke.abort();
    if (this.source !== before) this.#notify([]);
  }

  async #followLocal(): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#closed.signal]);
    let heardMs = this.#clock.monotonic();
    const heard = () => void (heardMs = this.#clock.monotonic());
    const watch = async () => {
      let askedMs = this.#clock.monotonic();
      while (!signal.aborted) {
        const dueMs = Math.min(heardMs + QUIET_MS, askedMs + STATE_MS);
        const waitMs = dueMs - this.#clock.monotonic();
        if (waitMs > 0) await this.#clock.wait(waitMs, { signal });
        else {
          await this.#askState(signal);
          heard();
          askedMs = heardMs;
        }
      }
    };
    try {
      for (;;) {
        this.#beginAt(await this.#askState(signal));
        const stream = await this.#local.stream(this.#seen.base ?? 0, signal).catch(() => null);
        heard();
        if (stream) {
          watch().catch((error) => {
            this.#fail(error);
            stop.abort();
          });
          for await (const events of stream) {
            heard();
            this.#takeLocal(events);
          }
          break;
        }
        // Gone, or still there behind something that holds streams back: asking shows which.
        const untilMs = this.#clock.monotonic() + STREAM_RETRY_MS;
        while (this.#clock.monotonic() < untilMs) {
          this.#beginAt(await this.#askState(signal));
          await this.#readLocal(signal);
          heard();
          await this.#clock.wait(LOCAL_POLL_MS, { signal });
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) this.#fail(error);
    }
    stop.abort();
    const nowMs = this.#clock.monotonic();
    this.#step({ kind: "local-down", nowMs, quietMs: nowMs - heardMs });
  }

  /** Reads the agent's events that listeners have not had. */
  async #readLocal(signal: AbortSignal): Promise<void> {
    for (;;) {
      const events = await this.#local.after(this.#seen.base ?? 0, PAGE_EVENTS, signal);
      this.#takeLocal(events);
      if (events.length < PAGE_EVENTS) return;
    }
  }

  #takeLocal(events: readonly LocalEvent[]): void {
    if (!this.#state.localUp) {
      this.#lastError = null;
      this.#step({ kind: "local-up" });
    }
    this.#deliver(events.filter(({ seq }) => this.#seen.addOrdered(seq)));
  }

  /** Sets where to begin; at the end of the log when it is shorter than expected. */
  #beginAt(lastSeq: number): void {
    const { sinceSeq, recent = 50 } = this.#options;
    const { base } = this.#seen;
    if (base === null) this.#seen.startAt(sinceSeq ?? Math.max(0, lastSeq - recent));
    else if (base > lastSeq) this.#seen.startAt(lastSeq);
  }

  async #pollRemote(): Promise<void> {
    const remote = this.#remote;
    if (!remote) return;
    try {
      for (;;) {
        const events = this.#seen.base === null
          ? await remote.newest(Math.min(PAGE_EVENTS, this.#options.recent ?? 50))
          : await remote.after(this.#seen.last, PAGE_EVENTS, this.#seen.holes(MAX_HOLES));
        this.#deliver(events.filter(({ seq }) => this.#seen.add(seq)));
        if (events.length < PAGE_EVENTS || this.#state.localUp) break;
      }
      this.#flushed(await remote.lastFlush());
      this.#step({ kind: "remote-up", nowMs: this.#clock.monotonic() });
    } catch (error) {
      this.#fail(error);
      this.#step({ kind: "remote-down", nowMs: this.#clock.monotonic() });
    }
  }

  /** Asks for the agent's state. @returns its last `seq` */
  async #askState(signal: AbortSignal): Promise<number> {
    const { lastSeq, lastFlush } = await this.#local.state(signal);
    this.#flushed(lastFlush);
    return lastSeq;
  }

  #flushed(at: string | null): void {
    const ms = at === null ? NaN : Date.parse(at);
    if (Number.isNaN(ms) || ms <= (this.#lastFlushMs ?? -Infinity)) return;
    this.#lastFlushMs = ms;
    // Without a source, listeners hear of it with the source that is to come.
    if (this.source !== "offline") this.#notify([]);
  }

  #fail(error: unknown): void {
    this.#lastError = error instanceof Error ? error.message : String(error);
  }

  #deliver(events: readonly LocalEvent[]): void {
    if (events.length > 0) this.#notify(events);
  }

  #notify(events: readonly LocalEvent[]): void {
    const { source, lastSeq, syncedAgo } = this;
    for (const listener of this.#listeners) {
      try {
        listener({ events, source, lastSeq, syncedAgo });
      } catch (error) {
        // The listener's fault, and no reason to lose the connection.
        reportError(error);
      }
    }
  }
}
