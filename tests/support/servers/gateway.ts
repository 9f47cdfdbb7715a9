/**
 * What stands before a project's PostgREST, all on one port that can be unplugged: API keys (Kong), sign-in (GoTrue)
 * and Realtime, with two users, a clock of its own, and faults for whoever asks for rows.
 * @module
 */
import type { CloudFault } from "../../contract/remote_contract.ts";
import { decoded, signed } from "./jwt.ts";
import { Plug } from "./plug.ts";
import { RealtimeServer } from "./realtime_server.ts";
import type { RestServer } from "./rest_server.ts";
import { type CloudUser, SignInServer } from "./sign_in_server.ts";

export interface CloudRequest {
  method: string;
  path: string;
  status: number;
}

export interface GatewayOptions {
  /** How long a Realtime socket may be silent. */
  silenceMs?: number;
  /** A fixed port, for people; 0 takes any. */
  port?: number;
}

/** Web pages of any origin may ask. */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
};

export class Gateway implements AsyncDisposable {
  readonly alice = user("alice", "a");
  readonly bob = user("bob", "b");
  readonly key = "sb_publishable_of_the_tests";
  readonly serviceKey = "sb_secret_of_the_tests";
  readonly requests: CloudRequest[] = [];
  /** Taken from the front, one a request for rows. */
  readonly faults: (CloudFault | { kind: "none" })[] = [];
  /** Done once, before the next push of rows: what others do between an agent's reading and its writing. */
  meanwhile: (() => Promise<unknown>) | undefined;
  /** The server's clock less this machine's, as its `Date` says. */
  clockOffsetMs = 0;
  readonly plug: Plug;
  readonly realtime: RealtimeServer;
  readonly #rest: RestServer;
  readonly #signIn = new SignInServer({ users: [this.alice, this.bob], now: () => this.now() });
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = new AbortController();
  readonly #hanging = new Set<() => void>();

  constructor(rest: RestServer, { silenceMs, port = 0 }: GatewayOptions) {
    this.#rest = rest;
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
        // The client went away: there is no one to answer.
        onError: () => Response.json({}, { status: 500 }),
        signal: this.#closing.signal,
      },
      (request) => this.#serve(request),
    );
    this.plug = new Plug(this.#server.addr.port, { port });
  }

  get url(): string {
    return `http://127.0.0.1:${this.plug.port}`;
  }

  /** How long an access token lives. */
  get tokenSec(): number {
    return this.#signIn.tokenSec;
  }

  set tokenSec(sec: number) {
    this.#signIn.tokenSec = sec;
  }

  /** The server's clock, in milliseconds. */
  now(): number {
    return Date.now() + this.clockOffsetMs;
  }

  /** No fault is left, and nothing of what was asked. */
  restore(): void {
    this.plug.push();
    this.faults.length = 0;
    this.meanwhile = undefined;
    this.requests.length = 0;
    this.clockOffsetMs = 0;
    this.tokenSec = 3_600;
  }

  /** Who has signed in must do so again. */
  forgetSessions(): void {
    this.#signIn.forgetSessions();
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
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/realtime/v1/websocket") {
      if (!this.#isKey(url.searchParams.get("apikey"))) return refusal(401, "no key");
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
    const key = request.headers.get("apikey");
    if (key === null) return refusal(401, "No API key found in request");
    if (!this.#isKey(key)) return refusal(401, "Invalid API key");
    if (url.pathname.startsWith("/auth/v1/")) return await this.#signIn.serve(request, url);
    if (url.pathname.startsWith("/rest/v1/")) return await this.#serveRows(request, url);
    return refusal(404, "no Route matched with those values");
  }

  async #serveRows(request: Request, url: URL): Promise<Response> {
    const isCall = url.pathname.startsWith("/rest/v1/rpc/");
    const fault = isCall ? undefined : this.faults.shift();
    if (fault?.kind === "hang") return await this.#hang();
    if (fault?.kind === "reset") return this.#reset();
    if (fault?.kind === "status") return answerOf(fault);
    const body = await request.bytes();
    if (request.method === "POST" && !isCall) {
      const { meanwhile } = this;
      this.meanwhile = undefined;
      await meanwhile?.();
    }
    const headers = new Headers(request.headers);
    headers.delete("host");
    headers.delete("connection");
    headers.set("authorization", `Bearer ${await this.#bearer(headers)}`);
    const init = { method: request.method, headers, ...(body.length > 0 ? { body } : {}) };
    let answer: Response;
    try {
      answer = await this.#rest.fetch(url.pathname.slice("/rest/v1".length) + url.search, init);
    } catch {
      return refusal(502, "An invalid response was received from the upstream server");
    }
    const bytes = await answer.bytes();
    if (fault?.kind === "reset-after-apply") return this.#reset();
    return new Response(bytes.length > 0 ? bytes : null, answer);
  }

  /** What PostgREST is shown: of an API key its role, of a token the time that this server's clock leaves it. */
  async #bearer(headers: Headers): Promise<string> {
    const bearer = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const exp = Math.floor(Date.now() / 1_000) + 60;
    if (bearer === this.serviceKey) return await signed({ role: "service_role", exp });
    if (bearer === this.key || bearer === "") return await signed({ role: "anon", exp });
    const claims = this.clockOffsetMs === 0 ? null : await decoded(bearer);
    if (!claims) return bearer;
    const { iat: _, ...others } = claims;
    return await signed({ ...others, exp: claims.exp - Math.round(this.clockOffsetMs / 1_000) });
  }

  #isKey(key: string | null): boolean {
    return key === this.key || key === this.serviceKey;
  }

  /** The connection breaks: nobody will see the answer. */
  #reset(): Response {
    this.plug.cut();
    return refusal(500, "");
  }

  async #hang(): Promise<Response> {
    await new Promise<void>((resolve) => this.#hanging.add(resolve));
    return refusal(500, "");
  }
}

function answerOf(
  { status, code, message, retryAfter }: CloudFault & { kind: "status" },
): Response {
  const body = code === undefined && message === undefined
    ? { message: "a fault" }
    : { code: code ?? "", message: message ?? "a fault", details: null, hint: null };
  const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
  return Response.json(body, { status, headers });
}

/** In the words of Kong, which stands before everything. */
function refusal(status: number, message: string): Response {
  return Response.json({ message }, { status });
}

function user(name: string, digit: string): CloudUser {
  return {
    id: `00000000-0000-4000-8000-00000000000${digit}`,
    email: `${name}@example.com`,
    password: `${name}'s password`,
  };
}
