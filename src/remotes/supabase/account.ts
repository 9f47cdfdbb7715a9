/** The account that requests are made for, and its membership of systems. @module */
import type { AuthError } from "@supabase/supabase-js";
import { type Clock, logger, pause, RemoteError, systemClock } from "../../core/mod.ts";
import type { Project } from "./project.ts";
import type { TokenStore } from "./token_store.ts";

export interface AccountOptions {
  email?: string | undefined;
  password?: string | undefined;
  /** Systems whose rows are pushed: this account becomes their member where they have none. */
  systems: readonly string[];
  tokens: TokenStore;
  clock?: Clock;
  /** Called when another account has signed in: what was learned of the project holds for the one before. */
  onAccount?: () => void;
}

/** Whether the account is a member of a system; unknown until the project has answered. */
export type Membership = "member" | "foreign" | "unknown";

/** A registration that failed is tried again after this long: a little less than a cycle of records. */
const RETRY_REGISTRATION_MS = 5_000;

/** The advice when a session has ended. */
const SIGN_IN_AGAIN = "sign in again with clockblock login";

export class Account {
  readonly #project: Project;
  readonly #options: AccountOptions;
  readonly #clock: Clock;
  #user: { id: string; email: string } | null = null;
  #memberships = new Map<string, Membership>();
  #registeredMs = -Infinity;
  #checking: Promise<void> | undefined;
  #signingIn: Promise<boolean> | undefined;

  constructor(project: Project, options: AccountOptions) {
    this.#project = project;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Makes sure that the requests that follow are the account's. Lanes that call it at the same time share one check:
   * four sign-ins at once would be four sessions, of which one is kept.
   * @throws {RemoteError} 401 when someone has to sign in
   */
  signedIn(): Promise<void> {
    return this.#checking ??= this.#check().finally(() => this.#checking = undefined);
  }

  async #check(): Promise<void> {
    const { data, error } = await this.#project.client.auth.getSession();
    this.#requireRefreshed(error);
    if (!data.session && (error || this.#options.email !== undefined)) {
      if (!await this.#signIn()) {
        throw new RemoteError(`Cannot sign in to "${this.#project.name}": ${SIGN_IN_AGAIN}`, {
          status: 401,
        });
      }
    }
    const session = data.session ?? (await this.#project.client.auth.getSession()).data.session;
    if (!session) return;
    this.#switchTo({ id: session.user.id, email: session.user.email ?? session.user.id });
    await this.#registerAll();
  }

  /** Refreshes the sign-in after it was refused; false when a person has to sign in. */
  async refresh(): Promise<boolean> {
    const { data: { session }, error } = await this.#project.client.auth.getSession();
    this.#requireRefreshed(error);
    if (session) {
      const { data, error } = await this.#project.client.auth.refreshSession(session);
      if (data.session) return true;
      this.#requireRefreshed(error);
    }
    return await this.#signIn();
  }

  /** @throws {RemoteError} after a refresh that may succeed later: it proves nothing about the sign-in */
  #requireRefreshed(error: AuthError | null): void {
    if (!error || !isTransient(error)) return;
    // supabase-js repeats its last failure until a minute has passed by the wall clock: after one that was a month
    // ahead, for a month. Lanes have their own backoff.
    Object.assign(this.#project.client.auth, { lastRefreshFailure: null });
    throw this.#project.failure("refresh the sign-in to", error);
  }

  /**
   * Signs in with the given password and keeps the session.
   * @throws {RemoteError} with the reason
   */
  async login(email: string, password: string): Promise<void> {
    const { error } = await this.#project.client.auth.signInWithPassword({ email, password });
    if (error) throw this.#project.failure("sign in to", error);
  }

  /** The account that is signed in on this machine, or null. Makes no request. */
  async whoIsSignedIn(): Promise<string | null> {
    const text = await this.#options.tokens.getItem("session");
    if (text === null) return null;
    // Written by supabase-js.
    const { user } = JSON.parse(text) as { user?: { email?: string; id: string } };
    return user?.email ?? user?.id ?? null;
  }

  /** Ends the session on this machine. */
  async logout(): Promise<void> {
    await this.#project.client.auth.signOut({ scope: "local" });
    await this.#options.tokens.removeItem("session");
  }

  /** The e-mail address of the newest request; null before the first, and for a key alone. */
  get email(): string | null {
    return this.#user?.email ?? null;
  }

  /** The systems that this machine's rows belong to. */
  get systems(): readonly string[] {
    return this.#options.systems;
  }

  membership(system: string): Membership {
    return this.#memberships.get(system) ?? "unknown";
  }

  /** The same failure, as one that a person has to solve: the system belongs to another account. */
  refusedAccount(failure: RemoteError, system: string): RemoteError {
    const { status, code, retryAfterMs, detail } = failure;
    const advice = `system "${system}" belongs to another account than ${this.email}: sign in as ` +
      "its owner, have the owner add this account to system_members, or choose another records.system_id";
    const verdict = pause(advice);
    const message =
      `${failure.message}: system "${system}" belongs to another account than ${this.email}`;
    return new RemoteError(message, { status, code, retryAfterMs, detail, verdict });
  }

  #signIn(): Promise<boolean> {
    return this.#signingIn ??= this.#signInByPassword().finally(() => this.#signingIn = undefined);
  }

  async #signInByPassword(): Promise<boolean> {
    const { email, password } = this.#options;
    if (email === undefined || password === undefined) return false;
    const { data, error } = await this.#project.client.auth.signInWithPassword({ email, password });
    if (data.session) return true;
    if (error && isTransient(error)) throw this.#project.failure("sign in to", error);
    // Only a person knows which key or account is right: for the lanes all of it is a missing sign-in.
    throw new RemoteError(`Cannot sign in to "${this.#project.name}": ${whatToCheck(error)}`, {
      status: 401,
      detail: error?.message,
    });
  }

  /** What was learned about one account does not hold for another. */
  #switchTo(user: { id: string; email: string }): void {
    if (user.id === this.#user?.id) return;
    if (this.#user) {
      logger("supabase").info("Signed in as {now}, before as {before}", {
        now: user.email,
        before: this.#user.email,
      });
    }
    this.#user = user;
    this.#memberships.clear();
    this.#registeredMs = -Infinity;
    this.#options.onAccount?.();
  }

  /** Registers this machine's systems; those without an answer again after a while. */
  async #registerAll(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#registeredMs < RETRY_REGISTRATION_MS) return;
    const open = this.systems.filter((system) => this.membership(system) !== "member");
    if (open.length === 0) return;
    for (const system of open) await this.register(system);
    this.#registeredMs = this.#clock.monotonic();
  }

  /**
   * Makes the account a member of a system that has none: without it, row-level security of our schema refuses a new
   * machine's rows.
   * @throws {RemoteError} when there was no answer
   */
  async register(system: string): Promise<Membership> {
    if (!this.#user) return "unknown";
    const { data, error, status } = await this.#project.client.rpc("register_system", {
      new_system: system,
    });
    if (error) {
      const failure = this.#project.failure("register with", error, status);
      // A project with its own tables may have no such function, or not grant it: then its own policies decide.
      if (!["PGRST202", "42883", "42501"].includes(error.code)) throw failure;
      logger("supabase").debug("Cannot register: {message}", { message: failure.message });
    }
    const membership = data === true ? "member" : data === false ? "foreign" : "unknown";
    this.#memberships.set(system, membership);
    return membership;
  }
}

/** What to check after a refused sign-in. */
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
