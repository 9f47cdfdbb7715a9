/**
 * A model of Supabase for the demo, on any machine and without an account: PostgreSQL in this process (PGlite),
 * sign-in by nano-supabase, as much of PostgREST as the agent meets, Realtime in Phoenix frames, our schema, one
 * user; on one port that can be unplugged. The tests run against real PostgreSQL and PostgREST instead.
 * @module
 */
import { PGlite } from "@electric-sql/pglite";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { type AuthHandler, initializeAuth } from "nano-supabase";
import { schemaSql } from "../../src/remotes/supabase/mod.ts";
import { claimsOf, decoded, signed } from "../../tests/support/servers/jwt.ts";
import { Plug } from "../../tests/support/servers/plug.ts";
import { changeIn, CHANNEL, REPLICATION } from "../../tests/support/servers/replication.ts";
import { type Caller, type RestAnswer, serveRest } from "./postgrest.ts";
import { RealtimeServer } from "../../tests/support/servers/realtime_server.ts";

/** Printed by the demo, and shown by the model at the cloud's address. */
export const MODEL = "a model of Supabase for this demo, in this process: not Supabase";

interface User {
  email: string;
  password: string;
}

const TOKEN_SEC = 3_600;
/** Web pages of any origin may ask. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
};
const JSON_TYPE = { "content-type": "application/json" };

export class Cloud implements AsyncDisposable {
  readonly user: User;
  readonly key = "sb_publishable_demo";
  readonly plug: Plug;
  readonly #db: PGlite;
  readonly #auth: AuthHandler;
  readonly #realtime: RealtimeServer;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();

  private constructor({ db, auth, user }: { db: PGlite; auth: AuthHandler; user: User }) {
    this.#db = db;
    this.#auth = auth;
    this.user = user;
    this.#realtime = new RealtimeServer({
      verify: async (token) => {
        const claims = await decoded(token);
        return claims && claims.exp * 1_000 > Date.now()
          ? { expiresAtMs: claims.exp * 1_000 }
          : null;
      },
    });
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
        // The client went away: there is no one to answer.
        onError: () => json(500, {}),
        signal: this.#closing.signal,
      },
      (request) => this.#serve(request),
    );
    this.plug = new Plug(this.#server.addr.port);
  }

  static async start(): Promise<Cloud> {
    const db = await PGlite.create({ extensions: { pgcrypto } });
    const auth = await initializeAuth(db);
    await db.exec("SET TIME ZONE 'UTC'; CREATE PUBLICATION supabase_realtime;");
    await db.exec(schemaSql);
    await db.exec(REPLICATION);
    const cloud = new Cloud({ db, auth, user: await signUp(auth) });
    await db.listen(CHANNEL, (text) => void cloud.#changed(text));
    return cloud;
  }

  get url(): string {
    return `http://127.0.0.1:${this.plug.port}`;
  }

  /** As the database's owner, past every policy. */
  async sql<T = Record<string, unknown>>(text: string, params: unknown[] = []): Promise<T[]> {
    return (await this.#db.query<T>(text, params)).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#realtime.close();
    await this.plug[Symbol.asyncDispose]();
    this.#closing.abort();
    await this.#server.finished;
    await this.#db.close();
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/realtime/v1/websocket") {
      if (!this.#isKey(url.searchParams.get("apikey"))) return json(401, { message: "no key" });
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.#realtime.accept(socket);
      return response;
    }
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    const response = await this.#route(request, url);
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    // Deno's fetch sends a request again, by itself, when a connection that it had used before breaks.
    response.headers.set("connection", "close");
    return response;
  }

  async #route(request: Request, url: URL): Promise<Response> {
    if (url.pathname === "/") return json(200, { message: `This is ${MODEL}.` });
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
    const answer: RestAnswer = await serveRest(this.#db, {
      method: request.method,
      url,
      prefer: request.headers.get("prefer") ?? "",
      body: await request.text(),
    }, caller);
    return new Response(answer.body, {
      status: answer.status,
      headers: { ...JSON_TYPE, ...answer.headers },
    });
  }

  async #caller(bearer: string): Promise<Caller | Response> {
    if (bearer === this.key || bearer === "") return { role: "anon" };
    const claims = await decoded(bearer);
    if (!claims) return json(401, restError("PGRST301", "JWSError JWSInvalidSignature"));
    if (claims.exp * 1_000 < Date.now()) return json(401, restError("PGRST303", "JWT expired"));
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
    const exp = Math.floor(Date.now() / 1_000) + TOKEN_SEC;
    const claims = claimsOf(session.access_token);
    const access_token = await signed({ ...claims, exp });
    return json(200, {
      ...session,
      user,
      access_token,
      expires_in: TOKEN_SEC,
      expires_at: exp,
    });
  }

  #isKey(key: string | null): boolean {
    return key === this.key;
  }

  /** A committed change of a watched table, reported by its trigger. */
  async #changed(text: string): Promise<void> {
    if (this.#db.closed) return;
    const change = await changeIn(text, (sql) => this.sql(sql));
    if (change) this.#realtime.publish(change);
  }
}

async function signUp(auth: AuthHandler): Promise<User> {
  const user = { email: "demo@example.com", password: "the demo's password" };
  const { data, error } = await auth.signUp(user.email, user.password);
  if (!data.user) throw new Error(`Cannot sign the demo up: ${error?.message}`);
  return user;
}

function restError(code: string, message: string): object {
  return { code, message, details: null, hint: null };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_TYPE, ...headers } });
}
