/**
 * The local API as one function from request to answer: who may ask is decided first, then routes are found.
 * @module
 */
import { Hono } from "hono";
import {
  type Clock,
  type Hub,
  logger,
  LogThrottle,
  Problem,
  type Reader,
  Readers,
  type Route,
  SseFanout,
  type Stream,
  systemClock,
  type Warnings,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { type SyncEngine, syncRoutes } from "../sync/mod.ts";
import { broadcast, streamRoute } from "./routes/stream.ts";
import { configRoute, type ConfigSource } from "./routes/config.ts";
import { LoopDelay } from "./loop_delay.ts";
import { metricsRoute } from "./routes/metrics.ts";
import { mount, type Mounted, type MountOptions } from "./mount.ts";
import { type PageFiles, pageRoutes } from "./routes/page.ts";
import { problemOf, problemResponse, withSecurityHeaders } from "./respond.ts";
import { type ConnectionInfo, isLoopback, Security, type Visitor } from "./security/security.ts";
import { StatusReport, statusRoute } from "./routes/status.ts";
import { healthRoute, openApiRoute } from "./routes/system.ts";

export interface ApiOptions {
  store: Store;
  /** Their routes and their part of `/status`. */
  streams: readonly Stream[];
  /** Absent: nothing is synced. */
  sync?: SyncEngine | undefined;
  hub: Hub;
  warnings: Warnings;
  deviceId: string;
  systemId: string;
  /** The address that is listened on. */
  host: string;
  /** Origins of web pages that may call. */
  allowedOrigins?: readonly string[];
  /** What every write has to show. */
  token: string;
  page: PageFiles;
  flavour: string;
  /** What follows the configuration file; absent: nothing does. */
  settings?: ConfigSource | undefined;
  clock?: Clock;
  /** For tests: an answer that does not fit its schema becomes an error. */
  checkAnswers?: boolean;
}

export interface Api {
  /** Answers a request. Never throws. */
  fetch(request: Request, info?: ConnectionInfo): Response | Promise<Response>;
  /** The reader of an answer that may take long; short answers have none. */
  readerOf(response: Response): Reader | undefined;
  /** What the API does by itself: it measures how late timers fire. */
  run(signal: AbortSignal): Promise<void>;
  /** Ends the event streams; what is asked afterwards is still answered. */
  close(): void;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
/** What a page of another origin may send and read, beyond what it always may. */
const CORS_REQUEST_HEADERS =
  "authorization, cache-control, content-type, idempotency-key, last-event-id";
const CORS_ANSWER_HEADERS = "link, location, retry-after";
/** Refusals that are logged: a program without the token, a web page without permission, a body that is too large. */
const LOGGED_REFUSALS: ReadonlySet<number> = new Set([401, 403, 413, 421]);
/** Characters of a request that are logged. */
const MAX_LOGGED_CHARACTERS = 300;

/** Puts the API together. The store is open and migrated. */
export function createApi(options: ApiOptions): Api {
  const { store, streams, warnings, sync, hub, host, token, page, flavour, clock = systemClock } =
    options;
  const { allowedOrigins = [], checkAnswers = false } = options;
  const closing = new AbortController();
  const loopDelay = new LoopDelay({ clock });
  store.onWork(() => loopDelay.working());
  const security = new Security({ host, allowedOrigins, token });
  const status = new StatusReport({ ...options, clock, loopDelay });
  const fanout = new SseFanout({ clock, onClients: (clients) => void (hub.pages = clients) });
  const endBroadcast = broadcast(hub, fanout);
  const connections = new WeakMap<Request, ConnectionInfo>();
  const answers = new Map<number, number>();
  const refusals = new LogThrottle({ clock });
  const readers = new Readers({ clock });

  const routes: Route[] = [
    statusRoute(status),
    ...streams.flatMap((stream) => stream.routes ?? []),
    ...sync ? syncRoutes(sync) : [],
    ...options.settings ? [configRoute(options.settings)] : [],
    streamRoute(fanout),
    healthRoute({ store, sync, warnings, closing: closing.signal }),
    metricsRoute({
      store,
      streams,
      warnings,
      sync,
      clock,
      flavour,
      loopDelay,
      uptimeSec: () => status.uptimeSec(),
      answers: () => answers,
      sseClients: () => fanout.clients,
    }),
    ...pageRoutes({ page, security, connection: (request) => connections.get(request) }),
  ];
  routes.push(openApiRoute(routes));
  const { app, direct } = application(routes, {
    closing: closing.signal,
    checkAnswers,
    readers,
    onError: failed,
  });

  function answer(request: Request, info?: ConnectionInfo): Response | Promise<Response> {
    try {
      const visitor = security.visitor(request);
      if (request.method === "OPTIONS") return allowedMethods(app, request, visitor);
      const path = pathOf(request.url);
      if (path === "/" && info) connections.set(request, info);
      if (!security.needsToken(request, path, info)) return routed(request, path, visitor);
      const authorized = security.authorized(request, visitor);
      if (authorized === true) return routed(request, path, visitor);
      return Promise.resolve(authorized).then((known) => {
        if (known) return routed(request, path, visitor);
        return withCors(failed(security.unauthorized(request), request), visitor);
      });
    } catch (error) {
      return failed(error, request);
    }
  }

  function routed(
    request: Request,
    path: string,
    visitor: Visitor,
  ): Response | Promise<Response> {
    const { method } = request;
    const mounted = method === "GET" ? direct.get(path) : undefined;
    const response = mounted
      ? mounted(request, {})
      : method === "HEAD"
      ? headOf(request)
      : app.fetch(request);
    if (visitor.foreignOrigin === undefined) return response;
    return response instanceof Promise
      ? response.then((late) => withCors(late, visitor))
      : withCors(response, visitor);
  }

  /** What GET would say, but for the body: its length too, which Hono says is 0. */
  async function headOf({ url, headers, signal }: Request): Promise<Response> {
    const response = await app.fetch(new Request(url, { headers, signal }));
    const { status, headers: said } = response;
    if (said.get("content-type") === "text/event-stream") await response.body?.cancel();
    else said.set("content-length", String(await lengthOf(response)));
    return new Response(null, { status, headers: said });
  }

  function failed(error: unknown, { method, url }: Request): Response {
    store.noticed(error);
    const path = pathOf(url);
    const problem = problemOf(error, `${method} ${path}`);
    if (LOGGED_REFUSALS.has(problem.status)) {
      refusals.log(problem.title, (more) => {
        logger("api").warn("Refused {asked}: {why}{more}", {
          asked: `${method} ${path}`.slice(0, MAX_LOGGED_CHARACTERS),
          why: problem.message.slice(0, MAX_LOGGED_CHARACTERS),
          more,
        });
      });
    }
    return problemResponse(problem);
  }

  function counted(response: Response): Response {
    answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
    return response;
  }

  return {
    fetch(request, info) {
      loopDelay.working();
      const response = answer(request, info);
      if (!(response instanceof Promise)) return counted(response);
      // Hono hands on what was thrown and is no Error.
      return response.catch((error) => failed(error, request)).then(counted);
    },
    readerOf: (response) => readers.of(response),
    run(signal) {
      if (!isLoopback(host)) {
        warnings.raise(
          "api.exposed",
          `Other machines can reach this agent (\`api_host\` is ${host}): they need its token, ` +
            "which they send unencrypted",
        );
      }
      return loopDelay.run(signal);
    },
    close() {
      closing.abort();
      status.close();
      endBroadcast();
    },
  };
}

/** The routes on Hono, with answers for unknown ones; `direct`: those to GET whose path is fixed, which need no router. */
function application(
  routes: readonly Route[],
  options: MountOptions & { onError: (error: unknown, request: Request) => Response },
): { app: Hono; direct: ReadonlyMap<string, Mounted> } {
  const app = new Hono();
  const direct = new Map<string, Mounted>();
  const mounted = new Set<string>();
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    if (mounted.has(name)) throw new TypeError(`Cannot mount ${name}: another route has it`);
    mounted.add(name);
    const handler = mount(app, route, options);
    if (route.method === "GET" && !route.path.includes("{")) direct.set(route.path, handler);
  }
  app.onError((error, c) => options.onError(error, c.req.raw));
  app.notFound((c) => {
    const methods = methodsOf(app, c.req.path);
    if (methods.length === 0) {
      return problemResponse(
        new Problem(404, "Not found", {
          detail: `There is no ${c.req.path} here. GET /openapi.json lists what there is.`,
        }),
      );
    }
    return problemResponse(
      new Problem(405, "Method not allowed", {
        detail: `${c.req.path} takes ${methods.join(", ")}.`,
        headers: { allow: [...methods, "OPTIONS"].join(", ") },
      }),
    );
  });
  return { app, direct };
}

/** The methods that a path has. */
function methodsOf(app: Hono, path: string): string[] {
  return METHODS.filter((method) => {
    const [handlers] = app.router.match(method === "HEAD" ? "GET" : method, path);
    return handlers.length > 0;
  });
}

/** The answer to OPTIONS: what the path has, and for a page of another origin that it may ask for it. */
function allowedMethods(app: Hono, request: Request, visitor: Visitor): Response {
  const methods = methodsOf(app, pathOf(request.url));
  if (methods.length === 0) return problemResponse(new Problem(404, "Not found"));
  const response = withSecurityHeaders(
    new Response(null, {
      status: 204,
      headers: { allow: [...methods, "OPTIONS"].join(", ") },
    }),
  );
  if (visitor.foreignOrigin === undefined) return response;
  const { headers } = response;
  headers.set("access-control-allow-methods", methods.join(", "));
  headers.set("access-control-allow-headers", CORS_REQUEST_HEADERS);
  headers.set("access-control-max-age", "600");
  // Chrome asks this before a page from the internet may reach a private address.
  if (request.headers.has("access-control-request-private-network")) {
    headers.set("access-control-allow-private-network", "true");
  }
  return withCors(response, visitor);
}

/** How long a body is, which is dropped piece by piece. */
async function lengthOf(response: Response): Promise<number> {
  let bytes = 0;
  for await (const piece of response.body ?? []) bytes += piece.byteLength;
  return bytes;
}

/** Lets a page of an allowed origin read the answer. */
function withCors(response: Response, { foreignOrigin }: Visitor): Response {
  if (foreignOrigin === undefined) return response;
  response.headers.set("access-control-allow-origin", foreignOrigin);
  response.headers.set("access-control-expose-headers", CORS_ANSWER_HEADERS);
  response.headers.append("vary", "Origin");
  return response;
}

/** The path as it was sent, neither decoded nor tidied. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const query = url.indexOf("?", start);
  const path = url.slice(start, query < 0 ? undefined : query);
  const fragment = path.indexOf("#");
  return fragment < 0 ? path : path.slice(0, fragment);
}
