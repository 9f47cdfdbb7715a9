/**
 * The one client of supabase-js, and its sign-in: with e-mail and password, or with a key alone.
 * @module
 */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import {
  type Clock,
  clockOffsetMs,
  type Probe,
  RemoteError,
  retryAfterMs,
  systemClock,
} from "../../core/mod.ts";
import { remoteError } from "./failure.ts";
import type { TokenStore } from "./token_store.ts";

export interface ConnectionOptions {
  /** `https://<ref>.supabase.co` */
  url: string;
  /** The publishable key, or a service key: then no sign-in is needed. */
  key: string;
  email?: string | undefined;
  password?: string | undefined;
  /** Systems whose rows are pushed: this account becomes their member where they have none. */
  systems: readonly string[];
  tokens: TokenStore;
  timeoutMs?: number;
  fetch?: typeof fetch;
  /** For tests: the WebSocket that Realtime uses. */
  transport?: typeof WebSocket;
  /** How often Realtime gives a sign of life: the server closes a socket that is silent for a minute. */
  heartbeatMs?: number;
  clock?: Clock;
  random?: () => number;
}

/** Whoever has to sign in again sees this; the engine takes the code for a missing sign-in. */
const SIGN_IN_AGAIN = "sign in again with clockblock login";

export class Connection {
  readonly client: SupabaseClient;
  readonly name: string;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  #registered = false;
  #checking: Promise<void> | undefined;
  #signingIn: Promise<boolean> | undefined;
  /** Systems that belong to somebody else: their rows are refused. */
  readonly #foreign = new Set<string>();
  /** What the last answer's headers said. */
  #serverOffsetMs: number | null = null;
  #retryAfterMs: number | undefined;

  constructor(options: ConnectionOptions) {
    const { url, key, tokens, timeoutMs = 10_000, clock = systemClock, transport } = options;
    const { fetch: request = fetch, random = Math.random, heartbeatMs = 25_000 } = options;
    this.#options = options;
    this.#clock = clock;
    this.name = `supabase ${new URL(url).host}`;
    const timed = async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const limit = AbortSignal.timeout(timeoutMs);
      const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
      const sentAt = clock.now();
      const response = await request(input, { ...init, signal });
      this.#heed(response, sentAt);
      return String(input).includes("/auth/v1/token") ? await byOurClock(response) : response;
    };
    this.client = createClient(url, key, {
      auth: {
        storage: tokens,
        storageKey: "session",
        persistSession: true,
        detectSessionInUrl: false,
        // Every request looks whether its token is about to expire; a timer of its own would only wake the machine.
        autoRefreshToken: false,
      },
      global: { fetch: timed },
      // Lanes have a backoff of their own.
      db: { retry: false },
      realtime: {
        heartbeatIntervalMs: heartbeatMs,
        // A fleet that lost the same server must not come back in the same second.
        reconnectAfterMs: (tries: number) =>
          Math.min(60_000, 1_000 * 2 ** Math.min(tries, 6)) * (0.5 + random() / 2),
        ...(transport ? { transport } : {}),
      },
    });
  }

  /**
   * Makes sure that what follows is asked in the account's name. Lanes that ask at the same time share one answer:
   * four sign-ins at once would be four sessions, of which one is kept.
   * @throws {RemoteError} 401 when someone has to sign in
   */
  signedIn(): Promise<void> {
    return this.#checking ??= this.#check().finally(() => this.#checking = undefined);
  }

  async #check(): Promise<void> {
    const { data, error } = await this.client.auth.getSession();
    if (error && isTransient(error)) throw this.failure("refresh the sign-in to", error);
    if (!data.session && (error || this.#options.email !== undefined)) {
      if (!await this.#signIn()) {
        throw new RemoteError(`Cannot sign in to "${this.name}": ${SIGN_IN_AGAIN}`, {
          status: 401,
        });
      }
    } else if (!data.session) return;
    await this.#register();
  }

  /** Makes the sign-in fresh after it was refused; false when a person has to sign in. */
  async refresh(): Promise<boolean> {
    const { data: { session } } = await this.client.auth.getSession();
    if (session) {
      const { data, error } = await this.client.auth.refreshSession(session);
      if (data.session) return true;
      if (error && isTransient(error)) throw this.failure("refresh the sign-in to", error);
    }
    return await this.#signIn();
  }

  /**
   * Signs in with the given password and keeps the session.
   * @throws {RemoteError} with the reason
   */
  async login(email: string, password: string): Promise<void> {
    const { error } = await this.client.auth.signInWithPassword({ email, password });
    if (error) throw this.failure("sign in to", error);
    this.#registered = false;
  }

  /** Ends the session on this machine. */
  async logout(): Promise<void> {
    await this.client.auth.signOut({ scope: "local" });
    await this.#options.tokens.removeItem("session");
  }

  /** Any answer counts: a project that refuses us can be reached. */
  async probe(signal: AbortSignal): Promise<Probe> {
    const { url, key, fetch: request = fetch } = this.#options;
    const health = new URL("auth/v1/health", url.endsWith("/") ? url : `${url}/`);
    const sentAt = this.#clock.now();
    try {
      const response = await request(health, { headers: { apikey: key }, signal });
      this.#heed(response, sentAt);
      await response.body?.cancel();
    } catch (error) {
      throw this.failure("reach", error);
    }
    return { clockOffsetMs: this.#serverOffsetMs };
  }

  /** The project's clock, as far as its answers have told it; otherwise ours. */
  serverNow(): number {
    return this.#clock.now() + (this.#serverOffsetMs ?? 0);
  }

  /** An error of supabase-js in the engine's shape. */
  failure(task: string, error: unknown, status?: number): RemoteError {
    return remoteError(task, error, {
      name: this.name,
      retryAfterMs: this.#retryAfterMs,
      foreign: [...this.#foreign],
      ...(status === undefined ? {} : { status }),
    });
  }

  #heed({ headers }: Response, sentAt: number): void {
    const receivedAt = this.#clock.now();
    this.#serverOffsetMs = clockOffsetMs(headers, { sentAt, receivedAt }) ?? this.#serverOffsetMs;
    this.#retryAfterMs = retryAfterMs(headers, receivedAt);
  }

  #signIn(): Promise<boolean> {
    return this.#signingIn ??= this.#signInAnew().finally(() => this.#signingIn = undefined);
  }

  async #signInAnew(): Promise<boolean> {
    const { email, password } = this.#options;
    if (email === undefined || password === undefined) return false;
    const { data, error } = await this.client.auth.signInWithPassword({ email, password });
    if (data.session) {
      this.#registered = false;
      return true;
    }
    if (error && isTransient(error)) throw this.failure("sign in to", error);
    // Which key or account it is, only a person can tell; the lanes take all of it for a missing sign-in.
    throw new RemoteError(`Cannot sign in to "${this.name}": ${whatToCheck(error)}`, {
      status: 401,
      detail: error?.message,
    });
  }

  /** Once a run: without it, row-level security of our schema refuses a new machine's rows. */
  async #register(): Promise<void> {
    if (this.#registered) return;
    for (const system of this.#options.systems) {
      const { data, error, status } = await this.client
        .rpc("register_system", { new_system: system });
      // A project with tables of its own may have no such function: then its own policies decide.
      if (error && !["PGRST202", "42883", "42501"].includes(error.code)) {
        throw this.failure("register with", error, status);
      }
      if (data === false) this.#foreign.add(system);
      else this.#foreign.delete(system);
    }
    this.#registered = true;
  }
}

/**
 * A session whose end is reckoned from now: the server tells it by its clock, and ours may be a day off, so that
 * every request would refresh, or none.
 */
async function byOurClock(response: Response): Promise<Response> {
  if (!response.ok) return response;
  const { expires_at: _, ...session } = await response.json() as Record<string, unknown>;
  return Response.json(session, { status: response.status });
}

/** The mistake that a refused sign-in speaks of. */
function whatToCheck(error: { status?: number | undefined; message: string } | null): string {
  switch (error?.status) {
    case 400:
    case 422:
      return `${error.message}. Check supabase.email and the password`;
    case 401:
    case 403:
      return `${error.message}. Check supabase.url and supabase.key`;
    default:
      return "what answers there is no Supabase project. Check supabase.url and supabase.key";
  }
}

/** No answer, or one that says nothing about the credentials. */
function isTransient(error: { status?: number | undefined; name: string }): boolean {
  // A refusal that is no JSON: a web site, not a project.
  if (error.name === "AuthUnknownError") return false;
  return error.name === "AuthRetryableFetchError" || error.status === undefined ||
    error.status === 0 || error.status === 429 || error.status >= 500;
}
