/** A Supabase project: the client of supabase-js, its requests and errors. @module */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import {
  type Clock,
  clockOffsetMs,
  type Outbound,
  outbound,
  type Probe,
  RemoteError,
  retryAfterMs,
  systemClock,
  UnusableAnswerError,
} from "../../core/mod.ts";
import { remoteError } from "./errors.ts";
import { checkedResponse, requestKind } from "./response.ts";
import type { TokenStore } from "./token_store.ts";

export interface ProjectOptions {
  /** `https://<ref>.supabase.co` */
  url: string;
  /** The publishable key, or a service key: then no sign-in is needed. */
  key: string;
  tokens: TokenStore;
  /** How long a request may take that has no signal of its own: those of the sign-in. */
  timeoutMs?: number;
  fetch?: typeof fetch;
  /** For tests: the WebSocket that Realtime uses. */
  transport?: typeof WebSocket;
  /** The interval of Realtime's heartbeats: the server closes a socket that is silent for a minute. */
  heartbeatMs?: number;
  clock?: Clock;
  random?: () => number;
}

export class Project {
  readonly client: SupabaseClient;
  readonly name: string;
  readonly #url: string;
  readonly #key: string;
  readonly #timeoutMs: number;
  readonly #request: Outbound;
  readonly #clock: Clock;
  /** By the headers of the last response. */
  #serverOffsetMs: number | null = null;
  #retryAfterMs: number | undefined;
  /** The last response that could not be used: supabase-js passes on its message only. */
  #unusable: UnusableAnswerError | undefined;

  constructor(options: ProjectOptions) {
    const { url, key, tokens, timeoutMs = 10_000, clock = systemClock, transport } = options;
    const { random = Math.random, heartbeatMs = 25_000 } = options;
    this.name = `supabase ${new URL(url).host}`;
    this.#url = url;
    this.#key = key;
    this.#timeoutMs = timeoutMs;
    this.#request = outbound(options.fetch);
    this.#clock = clock;
    this.client = createClient(url, key, {
      auth: {
        storage: tokens,
        storageKey: "session",
        persistSession: true,
        detectSessionInUrl: false,
        // Every request checks whether its token is about to expire; a timer would only wake the machine.
        autoRefreshToken: false,
      },
      global: { fetch: this.#fetch.bind(this) },
      // Lanes have their own backoff.
      db: { retry: false },
      realtime: {
        heartbeatIntervalMs: heartbeatMs,
        // Jitter: a fleet that lost the same server must not come back in the same second.
        reconnectAfterMs: (tries: number) =>
          Math.min(60_000, 1_000 * 2 ** Math.min(tries, 6)) * (0.5 + random() / 2),
        ...(transport ? { transport } : {}),
      },
    });
  }

  /** Any response but a page counts: a project that refuses us can be reached. */
  async probe(signal: AbortSignal): Promise<Probe> {
    const base = this.#url.endsWith("/") ? this.#url : `${this.#url}/`;
    try {
      const health = new URL("auth/v1/health", base);
      await this.#fetch(health, { headers: { apikey: this.#key }, signal });
    } catch (error) {
      throw this.failure("reach", error);
    }
    return { clockOffsetMs: this.#serverOffsetMs };
  }

  /** The project's clock, as far as its responses have shown it; otherwise ours. */
  serverNow(): number {
    return this.#clock.now() + (this.#serverOffsetMs ?? 0);
  }

  /** An error of supabase-js in the engine's shape. */
  failure(task: string, error: unknown, status?: number): RemoteError {
    const unusable = this.#unusable;
    if (unusable && messageOf(error).endsWith(unusable.message)) {
      return new RemoteError(`Cannot ${task} "${this.name}": ${unusable.message}`, {
        status: unusable.status,
        verdict: unusable.verdict,
      });
    }
    return remoteError(task, error, {
      name: this.name,
      retryAfterMs: this.#retryAfterMs,
      ...(status === undefined ? {} : { status }),
    });
  }

  /** A failure for a response of another shape than PostgREST's. */
  misshapen(task: string): RemoteError {
    return new RemoteError(`Cannot ${task} "${this.name}": its answer is not what was asked for`, {
      status: 200,
    });
  }

  /** Every request of the client. Its headers count only when the response is the project's. */
  async #fetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    const address = String(input);
    const signal = init.signal ?? AbortSignal.timeout(this.#timeoutMs);
    const sentAt = this.#clock.now();
    try {
      const response = await this.#request(address, { ...init, signal });
      const checked = await checkedResponse(response, requestKind(address));
      const receivedAt = this.#clock.now();
      const { headers } = response;
      this.#serverOffsetMs = clockOffsetMs(headers, { sentAt, receivedAt }) ?? this.#serverOffsetMs;
      this.#retryAfterMs = retryAfterMs(headers, receivedAt);
      return checked;
    } catch (error) {
      if (error instanceof UnusableAnswerError) this.#unusable = error;
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Object && "message" in error ? String(error.message) : String(error);
}
