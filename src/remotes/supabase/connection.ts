/**
 * The one client of supabase-js, and its sign-in: with e-mail and password, or with a key alone.
 * @module
 */
import { type AuthError, createClient, type SupabaseClient } from "@supabase/supabase-js";
import {
  type Clock,
  clockOffsetMs,
  DivertedError,
  isPage,
  logger,
  type Outbound,
  outbound,
  pageInstead,
  pause,
  type Probe,
  readText,
  RemoteError,
  retryAfterMs,
  systemClock,
} from "../../core/mod.ts";
import { askedBy, judged } from "./answers.ts";
import { remoteError } from "./errors.ts";
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
  /** Called when another account has signed in: what was learned of the project holds for the one before. */
  onAccount?: () => void;
}

/** Whether the account is a member of a system; unknown until the project has said. */
export type Membership = "member" | "foreign" | "unknown";

/** A registration that failed is tried again after this long: a little less than a cycle of records. */
const REGISTER_AGAIN_MS = 5_000;

/** How much of the health page is read. */
const MAX_HEALTH_BYTES = 8 * 1024;

/** The message to the person who has to sign in again. */
const SIGN_IN_AGAIN = "sign in again with clockblock login";

export class Connection {
  readonly client: SupabaseClient;
  readonly name: string;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  #account: Account | null = null;
  #memberships = new Map<string, Membership>();
  #registeredAtMs = -Infinity;
  #checking: Promise<void> | undefined;
  #signingIn: Promise<boolean> | undefined;
  /** What the last answer's headers said. */
  #serverOffsetMs: number | null = null;
  #retryAfterMs: number | undefined;
  readonly #request: Outbound;
  /** The last answer that was not the project's: supabase-js passes on its message alone. */
  #diverted: DivertedError | undefined;

  constructor(options: ConnectionOptions) {
    const { url, key, tokens, timeoutMs = 10_000, clock = systemClock, transport } = options;
    const { random = Math.random, heartbeatMs = 25_000 } = options;
    this.#request = outbound(options.fetch);
    this.#options = options;
    this.#clock = clock;
    this.name = `supabase ${new URL(url).host}`;
    const timed = (input: RequestInfo | URL, init: RequestInit = {}) => {
      const limit = AbortSignal.timeout(timeoutMs);
      const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
      const address = String(input);
      return this.#ask(
        address,
        { ...init, signal },
        (response) => judged(response, askedBy(address)),
      );
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
    this.#refreshed(error);
    if (!data.session && (error || this.#options.email !== undefined)) {
      if (!await this.#signIn()) {
        throw new RemoteError(`Cannot sign in to "${this.name}": ${SIGN_IN_AGAIN}`, {
          status: 401,
        });
      }
    }
    const session = data.session ?? (await this.client.auth.getSession()).data.session;
    if (!session) return;
    this.#isNow({ id: session.user.id, email: session.user.email ?? session.user.id });
    await this.#registerAll();
  }

  /** Makes the sign-in fresh after it was refused; false when a person has to sign in. */
  async refresh(): Promise<boolean> {
    const { data: { session }, error } = await this.client.auth.getSession();
    this.#refreshed(error);
    if (session) {
      const { data, error } = await this.client.auth.refreshSession(session);
      if (data.session) return true;
      this.#refreshed(error);
    }
    return await this.#signIn();
  }

  /** @throws {RemoteError} after a refresh that may succeed later: it says nothing about the sign-in */
  #refreshed(error: AuthError | null): void {
    if (!error || !isTransient(error)) return;
    // supabase-js repeats its last failure until a minute has passed by the wall clock: after one that was a month
    // ahead, for a month. Lanes have a backoff of their own.
    Object.assign(this.client.auth, { lastRefreshFailure: null });
    throw this.failure("refresh the sign-in to", error);
  }

  /**
   * Signs in with the given password and keeps the session.
   * @throws {RemoteError} with the reason
   */
  async login(email: string, password: string): Promise<void> {
    const { error } = await this.client.auth.signInWithPassword({ email, password });
    if (error) throw this.failure("sign in to", error);
  }

  /** Who is signed in on this machine; null for nobody. Asks no server. */
  async whoIsSignedIn(): Promise<string | null> {
    const text = await this.#options.tokens.getItem("session");
    if (text === null) return null;
    // Written by supabase-js.
    const { user } = JSON.parse(text) as { user?: { email?: string; id: string } };
    return user?.email ?? user?.id ?? null;
  }

  /** Ends the session on this machine. */
  async logout(): Promise<void> {
    await this.client.auth.signOut({ scope: "local" });
    await this.#options.tokens.removeItem("session");
  }

  /** Any answer but a page counts: a project that refuses us can be reached. */
  async probe(signal: AbortSignal): Promise<Probe> {
    const { url, key } = this.#options;
    const health = new URL("auth/v1/health", url.endsWith("/") ? url : `${url}/`);
    try {
      await this.#ask(health, { headers: { apikey: key }, signal }, async (response) => {
        const { text } = await readText(response, MAX_HEALTH_BYTES);
        if (response.status < 500 && isPage(text)) throw pageInstead();
        return response;
      });
    } catch (error) {
      throw this.failure("reach", error);
    }
    return { clockOffsetMs: this.#serverOffsetMs };
  }

  /** The project's clock, as far as its answers have told it; otherwise ours. */
  serverNow(): number {
    return this.#clock.now() + (this.#serverOffsetMs ?? 0);
  }

  /** Who the newest request was made for; null before the first, and for a key alone. */
  get account(): string | null {
    return this.#account?.email ?? null;
  }

  /** The systems that this machine's rows belong to. */
  get systems(): readonly string[] {
    return this.#options.systems;
  }

  membership(system: string): Membership {
    return this.#memberships.get(system) ?? "unknown";
  }

  /** The same failure, as one that a person has to solve: the system is another account's. */
  refusedAccount(failure: RemoteError, system: string): RemoteError {
    const { status, code, retryAfterMs, detail } = failure;
    const advice =
      `system "${system}" belongs to another account than ${this.account}: sign in as ` +
      "its owner, have the owner add this account to system_members, or choose another records.system_id";
    const verdict = pause(advice);
    const message =
      `${failure.message}: system "${system}" belongs to another account than ${this.account}`;
    return new RemoteError(message, { status, code, retryAfterMs, detail, verdict });
  }

  /** An error of supabase-js in the engine's shape. */
  failure(task: string, error: unknown, status?: number): RemoteError {
    const diverted = this.#diverted;
    if (diverted && messageOf(error).endsWith(diverted.message)) {
      return new RemoteError(`Cannot ${task} "${this.name}": ${diverted.message}`, {
        status: diverted.status,
        verdict: diverted.verdict,
      });
    }
    return remoteError(task, error, {
      name: this.name,
      retryAfterMs: this.#retryAfterMs,
      ...(status === undefined ? {} : { status }),
    });
  }

  /** A failure for an answer of another shape than PostgREST's. */
  misshapen(task: string): RemoteError {
    return new RemoteError(`Cannot ${task} "${this.name}": its answer is not what was asked for`, {
      status: 200,
    });
  }

  /** One request; its headers are heeded only when `judge` takes the answer for the project's. */
  async #ask(
    address: string | URL,
    init: RequestInit,
    judge: (response: Response) => Promise<Response>,
  ): Promise<Response> {
    const sentAt = this.#clock.now();
    try {
      const response = await this.#request(address, init);
      const answer = await judge(response);
      this.#heed(response, sentAt);
      return answer;
    } catch (error) {
      if (error instanceof DivertedError) this.#diverted = error;
      throw error;
    }
  }

  #heed({ headers }: Response, sentAt: number): void {
    const receivedAt = this.#clock.now();
    this.#serverOffsetMs = clockOffsetMs(headers, { sentAt, receivedAt }) ?? this.#serverOffsetMs;
    this.#retryAfterMs = retryAfterMs(headers, receivedAt);
  }

  #signIn(): Promise<boolean> {
    return this.#signingIn ??= this.#signInByPassword().finally(() => this.#signingIn = undefined);
  }

  async #signInByPassword(): Promise<boolean> {
    const { email, password } = this.#options;
    if (email === undefined || password === undefined) return false;
    const { data, error } = await this.client.auth.signInWithPassword({ email, password });
    if (data.session) return true;
    if (error && isTransient(error)) throw this.failure("sign in to", error);
    // Which key or account it is, only a person can tell; the lanes take all of it for a missing sign-in.
    throw new RemoteError(`Cannot sign in to "${this.name}": ${whatToCheck(error)}`, {
      status: 401,
      detail: error?.message,
    });
  }

  /** What was found out about another account holds for that one only. */
  #isNow(account: Account): void {
    if (account.id === this.#account?.id) return;
    if (this.#account) {
      logger("supabase").info("Signed in as {now}, before as {before}", {
        now: account.email,
        before: this.#account.email,
      });
    }
    this.#account = account;
    this.#memberships.clear();
    this.#registeredAtMs = -Infinity;
    this.#options.onAccount?.();
  }

  /** Registers this machine's systems; those that the project has not answered for again in a while. */
  async #registerAll(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#registeredAtMs < REGISTER_AGAIN_MS) return;
    const open = this.systems.filter((system) => this.membership(system) !== "member");
    if (open.length === 0) return;
    for (const system of open) await this.register(system);
    this.#registeredAtMs = this.#clock.monotonic();
  }

  /**
   * Makes the account a member of a system that has none: without it, row-level security of our schema refuses a new
   * machine's rows.
   * @throws {RemoteError} when there was no answer
   */
  async register(system: string): Promise<Membership> {
    if (!this.#account) return "unknown";
    const { data, error, status } = await this.client.rpc("register_system", {
      new_system: system,
    });
    if (error) {
      const failure = this.failure("register with", error, status);
      // A project with tables of its own may have no such function, or not grant it: then its own policies decide.
      if (!["PGRST202", "42883", "42501"].includes(error.code)) throw failure;
      logger("supabase").debug("Cannot register: {message}", { message: failure.message });
    }
    const membership = data === true ? "member" : data === false ? "foreign" : "unknown";
    this.#memberships.set(system, membership);
    return membership;
  }
}

interface Account {
  id: string;
  email: string;
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

function messageOf(error: unknown): string {
  return error instanceof Object && "message" in error ? String(error.message) : String(error);
}

/** No answer, or one that says nothing about the credentials. */
function isTransient(error: { status?: number | undefined; name: string }): boolean {
  // A refusal that is no JSON: a web site, not a project.
  if (error.name === "AuthUnknownError") return false;
  return error.name === "AuthRetryableFetchError" || error.status === undefined ||
    error.status === 0 || error.status === 429 || error.status >= 500;
}
