/**
 * A Supabase to test against: PostgreSQL in this process (PGlite), sign-in by nano-supabase, REST as PostgREST
 * answers it, Realtime in Phoenix frames, our schema, row-level security and two users; all on one port that can
 * be unplugged. It takes seconds and 300 MB to start: one for each test file, emptied between tests.
 *
 * What nano-supabase does otherwise than Supabase is put right here: error shapes of GoTrue, bearer tokens that
 * are garbage or expired (PGRST301, PGRST303), and an API key that has to be the project's.
 * @module
 */
import { PGlite } from "@electric-sql/pglite";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { type AuthHandler, initializeAuth } from "nano-supabase";
import { schema } from "../../src/remotes/supabase/mod.ts";
import type { CloudFault } from "../../tests/contract/remote_contract.ts";
import { claimsOf, decoded, signed } from "../../tests/support/jwt.ts";
import { Plug } from "../../tests/support/plug.ts";
import { type Caller, type RestAnswer, serveRest } from "./postgrest.ts";
import { RealtimeServer } from "../../tests/support/realtime_server.ts";

export interface CloudUser {
  id: string;
  email: string;
  password: string;
}

export interface CloudRequest {
  method: string;
  path: string;
  status: number;
}

export interface CloudOptions {
  /** How long a Realtime socket may be silent. */
  silenceMs?: number;
  /** A fixed port, for people; 0 takes any. */
  port?: number;
}

const RECORD_TABLES = ["projects", "tasks", "results"];
/** Web pages of any origin may ask. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
};
const JSON_TYPE = { "content-type": "application/json" };

export class Cloud implements AsyncDisposable {
  readonly db: PGlite;
  readonly realtime: RealtimeServer;
  readonly alice: CloudUser;
  readonly bob: CloudUser;
  readonly key = "sb_publishable_embedded";
  readonly serviceKey = "sb_secret_embedded";
  readonly plug: Plug;
  readonly requests: CloudRequest[] = [];
  /** Taken from the front, one a request for rows. */
  readonly faults: (CloudFault | { kind: "none" })[] = [];
  /** Done once, before the next push of rows: what others do between an agent's reading and its writing. */
  meanwhile: (() => Promise<unknown>) | undefined;
  /** The server's clock less this machine's, as its `Date` says. */
  clockOffsetMs = 0;
  /** How long an access token lives. */
  tokenSec = 3_600;
  readonly #auth: AuthHandler;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  readonly #hanging = new Set<() => void>();

  private constructor(
    { db, auth, users, options }: {
      db: PGlite;
      auth: AuthHandler;
      users: readonly [CloudUser, CloudUser];
      options: CloudOptions;
    },
  ) {
    const { silenceMs, port = 0 } = options;
    this.db = db;
    this.#auth = auth;
    [this.alice, this.bob] = users;
    this.realtime = new RealtimeServer({
      verify: async (token) => {
        const claims = await decoded(token);
        if (!claims || claims.exp * 1_000 <= this.now()) return null;
        return { expiresAtMs: claims.exp * 1_000 - this.clockOffsetMs };
      },
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
        // A request whose client went away: nobody is there to be told.
        onError: () => json(500, {}),
        signal: this.#closing.signal,
      },
      (request) => this.#serve(request),
    );
    this.plug = new Plug(this.#server.addr.port, { port });
  }

  static async start(options: CloudOptions = {}): Promise<Cloud> {
    const db = await PGlite.create({ extensions: { pgcrypto } });
    const auth = await initializeAuth(db);
    await db.exec("SET TIME ZONE 'UTC'; CREATE PUBLICATION supabase_realtime;");
    await db.exec(schema);
    await db.exec(REPLICATION);
    const users = [await signUp(auth, "alice"), await signUp(auth, "bob")] as const;
    const cloud = new Cloud({ db, auth, users, options });
    await db.listen("changes", (text) => void cloud.#changed(text));
    return cloud;
  }

  get url(): string {
    return `http://127.0.0.1:${this.plug.port}`;
  }

  /** The server's clock, in milliseconds. */
  now(): number {
    return Date.now() + this.clockOffsetMs;
  }

  /** As the database's owner, past every policy. */
  async sql<T = Record<string, unknown>>(text: string, params: unknown[] = []): Promise<T[]> {
    return (await this.db.query<T>(text, params)).rows;
  }

  /** Everything as it was at the start, but for the two users. */
  async empty(): Promise<void> {
    this.plug.push();
    this.faults.length = 0;
    this.meanwhile = undefined;
    this.requests.length = 0;
    this.clockOffsetMs = 0;
    this.tokenSec = 3_600;
    await this.db.exec(
      `TRUNCATE system_members, heartbeats, allowances, daily_rollups, punches, zoe_events, zoe_health,
         projects, tasks, results;
       DROP TABLE IF EXISTS plain;`,
    );
  }

  /** Who has signed in must do so again. */
  async forgetSessions(): Promise<void> {
    await this.db.exec("UPDATE auth.refresh_tokens SET revoked = true");
  }

  /** A token as the project's sign-in would give it. */
  token(user: CloudUser, { expiresInSec = 3_600 } = {}): Promise<string> {
    const exp = Math.floor(Date.now() / 1_000) + expiresInSec;
    return signed({ sub: user.id, role: "authenticated", exp });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.realtime.close();
    for (const release of this.#hanging) release();
    await this.plug[Symbol.asyncDispose]();
    this.#closing.abort();
    await this.#server.finished;
    await this.db.close();
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/realtime/v1/websocket") {
      if (!this.#isKey(url.searchParams.get("apikey"))) return json(401, { message: "no key" });
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.realtime.accept(socket);
      return response;
    }
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    const response = await this.#route(request, url);
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    this.requests.push({
      method: request.method,
      path: url.pathname + url.search,
      status: response.status,
    });
    response.headers.set("date", new Date(this.now()).toUTCString());
    // Deno's fetch sends a request again, by itself, when a connection that it had used before breaks.
    response.headers.set("connection", "close");
    return response;
  }

  async #route(request: Request, url: URL): Promise<Response> {
    if (!this.#isKey(request.headers.get("apikey"))) {
      return json(401, {
        message: "Invalid API key",
        hint: "Double check your Supabase `anon` or `service_role` API key.",
      });
    }
    if (url.pathname.startsWith("/auth/v1/")) return await this.#signIn(request, url);
    if (url.pathname.startsWith("/rest/v1/")) return await this.#rest(request, url);
    return json(404, { message: "no Route matched with those values" });
  }

  async #rest(request: Request, url: URL): Promise<Response> {
    const bearer = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const caller = await this.#caller(bearer);
    if (caller instanceof Response) return caller;
    const fault = url.pathname.startsWith("/rest/v1/rpc/") ? undefined : this.faults.shift();
    if (fault?.kind === "hang") return await this.#hang();
    if (fault?.kind === "reset") return this.#reset();
    if (fault?.kind === "status") {
      const { status, code, message = "a fault", retryAfter } = fault;
      const body = code === undefined && fault.message === undefined
        ? { message }
        : { code: code ?? "", message, details: null, hint: null };
      return json(status, body, retryAfter === undefined ? {} : { "retry-after": retryAfter });
    }
    if (request.method === "POST" && !url.pathname.startsWith("/rest/v1/rpc/")) {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
    }
    const answer: RestAnswer = await serveRest(this.db, {
      method: request.method,
      url,
      prefer: request.headers.get("prefer") ?? "",
      body: await request.text(),
    }, caller);
    if (fault?.kind === "reset-after-apply") return this.#reset();
    return new Response(answer.body, {
      status: answer.status,
      headers: { ...JSON_TYPE, ...answer.headers },
    });
  }

  async #caller(bearer: string): Promise<Caller | Response> {
    if (bearer === this.serviceKey) return { role: "service_role" };
    if (bearer === this.key || bearer === "") return { role: "anon" };
    const claims = await decoded(bearer);
    if (!claims) return json(401, restError("PGRST301", "JWSError JWSInvalidSignature"));
    if (claims.exp * 1_000 < this.now()) return json(401, restError("PGRST303", "JWT expired"));
    return { role: "authenticated", userId: claims.sub ?? "" };
  }

  async #signIn(request: Request, url: URL): Promise<Response> {
    const route = `${request.method} ${url.pathname.slice("/auth/v1/".length)}`;
    if (route === "GET health") return json(200, { name: "GoTrue", version: "v2" });
    if (route === "POST logout") {
      const bearer = request.headers.get("authorization")?.replace(/^Bearer /, "");
      await this.#auth.signOut(bearer);
      return new Response(null, { status: 204 });
    }
    if (route !== "POST token") return json(404, { code: 404, msg: "no such route" });
    const body = await request.json() as Record<string, string>;
    const refreshing = url.searchParams.get("grant_type") === "refresh_token";
    const { data: { session, user } } = refreshing
      ? await this.#auth.refreshSession(body.refresh_token ?? "")
      : await this.#auth.signInWithPassword(body.email ?? "", body.password ?? "");
    if (!session) {
      return refreshing
        ? json(400, {
          code: 400,
          error_code: "refresh_token_not_found",
          msg: "Invalid Refresh Token: Refresh Token Not Found",
        })
        : json(400, {
          code: 400,
          error_code: "invalid_credentials",
          msg: "Invalid login credentials",
        });
    }
    const exp = Math.floor(this.now() / 1_000) + this.tokenSec;
    const claims = claimsOf(session.access_token);
    const access_token = await signed({ ...claims, exp });
    return json(200, {
      ...session,
      user,
      access_token,
      expires_in: this.tokenSec,
      expires_at: exp,
    });
  }

  #isKey(key: string | null): boolean {
    return key === this.key || key === this.serviceKey;
  }

  /** The connection breaks: nobody will see the answer. */
  #reset(): Response {
    this.plug.cut();
    return json(500, {});
  }

  async #hang(): Promise<Response> {
    await new Promise<void>((resolve) => this.#hanging.add(resolve));
    return json(500, {});
  }

  /** A committed change of a watched table, told by its trigger. */
  async #changed(text: string): Promise<void> {
    const { table, type, id } = JSON.parse(text) as {
      table: string;
      type: "INSERT" | "UPDATE";
      id: string;
    };
    if (this.db.closed) return;
    const [row] = await this.sql<{ record: Record<string, unknown> }>(
      `SELECT to_json(t) AS record FROM ${table} t WHERE id = $1`,
      [id],
    );
    if (row) this.realtime.publish({ table, type, record: row.record });
  }
}

/** In the place of the replication that the real Realtime reads. */
const REPLICATION = `
  CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN
    PERFORM pg_notify('changes', json_build_object('table', TG_TABLE_NAME, 'type', TG_OP, 'id', NEW.id)::text);
    RETURN NULL;
  END
  $$;
  ${
  RECORD_TABLES.map((table) =>
    `CREATE TRIGGER tell AFTER INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION tell_change();`
  ).join("\n")
}`;

async function signUp(auth: AuthHandler, name: string): Promise<CloudUser> {
  const email = `${name}@example.com`;
  const password = `${name}'s password`;
  const { data, error } = await auth.signUp(email, password);
  if (!data.user) throw new Error(`Cannot sign ${name} up: ${error?.message}`);
  return { id: data.user.id, email, password };
}

function restError(code: string, message: string): object {
  return { code, message, details: null, hint: null };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_TYPE, ...headers } });
}
