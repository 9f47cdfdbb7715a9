/**
 * Puts routes on Hono: what goes in is checked by their schemas before a handler sees it, and, where tests ask
 * for it, so is what comes out.
 * @module
 */
import type { Context, Hono } from "hono";
import * as v from "valibot";
import {
  check,
  Listing,
  parse,
  parseJson,
  Problem,
  type Readers,
  Reply,
  type Route,
  type RouteRequest,
  type Schema,
} from "../core/mod.ts";
import { refusals, successes } from "./openapi/responses.ts";
import { bodyBytes, bodyText, DEFAULT_BODY_LIMIT, hasBody, mediaTypeOf } from "./body.ts";
import { listAnswer } from "./list_answer.ts";
import { JsonText, listResponse, longJson, statusOf, withSecurityHeaders } from "./respond.ts";

export interface MountOptions {
  /** Aborts when the server closes. */
  closing: AbortSignal;
  /** Whether an answer that does not fit its schema is an error. */
  checkAnswers?: boolean;
  readers: Readers;
}

type Handled = ReturnType<Route["handle"]>;

/** Answers a request to a route; throws a `Problem`. */
export type Mounted = (raw: Request, params: Params) => Response | Promise<Response>;
type Params = Readonly<Record<string, string>>;

const NO_QUERY = v.strictObject({}, "expected no query");

/** Puts a route on the app. @returns its handler */
export function mount(
  app: Hono,
  route: Route,
  { closing, checkAnswers = false, readers }: MountOptions,
): Mounted {
  const limit = route.bodyLimit ?? DEFAULT_BODY_LIMIT;
  const query = queryParser(route.query ?? NO_QUERY);

  const handle: Mounted = (raw, params) => {
    const request: RouteRequest<unknown, unknown, unknown> = {
      params: route.params ? parse(route.params, params, "path parameter") : params,
      query: query(raw.url),
      body: undefined,
      raw,
      text: () => bodyText(raw, limit),
      bytes: () => bodyBytes(raw, limit),
      closing,
      readers,
    };
    if (route.reads) requireMediaType(raw, Object.keys(route.reads));
    if (route.body) {
      return readJson(route.body, request).then(() => route.handle(request)).then(send);
    }
    const handled = route.handle(request);
    return handled instanceof Promise ? handled.then(send) : send(handled);
  };
  const send = (handled: Awaited<Handled>): Response | Promise<Response> => {
    if (!(handled instanceof Listing)) return leave(respondTo(handled, readers));
    const answer = listAnswer(handled, readers);
    return answer instanceof Promise
      ? answer.then((answer) => leave(listResponse(answer, readers)))
      : leave(listResponse(answer, readers));
  };
  const leave = (response: Response) => checkAnswers ? checked(response, route) : response;

  const mounted = checkAnswers ? documented(handle, route) : handle;
  app.on(
    route.method,
    honoPath(route.path),
    (c: Context) => mounted(c.req.raw, c.req.param() as Params),
  );
  return mounted;
}

/** As the handler, when what it refuses is a status that the API's description has. */
function documented(handle: Mounted, route: Route): Mounted {
  const known = refusals(route);
  return async (raw, params) => {
    try {
      return await handle(raw, params);
    } catch (error) {
      const status = statusOf(error);
      if (status === 500 || status in known) throw error;
      throw unlike(route, `a status ${status} that it does not describe`, error);
    }
  };
}

/** OpenAPI's `/records/{table}` as Hono writes it: `/records/:table`. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Parses a route's query. A caller that polls sends the same one each time, so the last one is kept. */
function queryParser(schema: Schema): (url: string) => unknown {
  let last: { text: string; query: unknown } | undefined;
  return (url) => {
    const at = url.indexOf("?");
    const text = at < 0 ? "" : url.slice(at + 1);
    if (last?.text !== text) {
      last = { text, query: parse(schema, queryOf(text), "query parameter") };
    }
    return last.query;
  };
}

/** A query as an object: a text for each name, or a list of texts where a name repeats. */
function queryOf(text: string): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    // Pages that poll add it to get past caches.
    if (name === "_") continue;
    const known = query.get(name);
    if (known === undefined) query.set(name, value);
    else if (typeof known === "string") query.set(name, [known, value]);
    // One list for all: a name can stand there thirty thousand times.
    else known.push(value);
  }
  return Object.fromEntries(query);
}

async function readJson(
  schema: Schema,
  request: RouteRequest<unknown, unknown, unknown>,
): Promise<void> {
  const { raw } = request;
  let body: unknown;
  if (hasBody(raw)) {
    requireMediaType(raw, ["application/json"]);
    const text = await request.text();
    if (text !== "") body = parseJson(text, "body");
  }
  request.body = parse(schema, body, "body");
}

/** A page can send text or a form to any site unasked; JSON it cannot, so nothing else is taken for it. */
function requireMediaType(raw: Request, allowed: readonly string[]): void {
  if (!hasBody(raw) || allowed.includes(mediaTypeOf(raw))) return;
  throw new Problem(415, "Unsupported media type", {
    detail: `Send the body as ${allowed.join(" or ")}.`,
    headers: { accept: allowed.join(", ") },
  });
}

function respondTo(handled: Awaited<Handled>, readers: Readers): Response {
  if (handled instanceof Response) return withSecurityHeaders(handled);
  if (handled === undefined) return withSecurityHeaders(new Response(null, { status: 204 }));
  if (handled instanceof JsonText) return longJson(handled.text, readers);
  if (handled instanceof Reply) {
    const { answer, status, headers } = handled;
    if (answer === undefined) return withSecurityHeaders(new Response(null, { status, headers }));
    return longJson(JSON.stringify(answer), readers, { status, headers });
  }
  return longJson(JSON.stringify(handled), readers);
}

/** The answer, when it is what the route says it is. */
async function checked(response: Response, route: Route): Promise<Response> {
  if (!(response.status in successes(route))) {
    throw unlike(route, `a status ${response.status} that it does not describe`);
  }
  if (response.status === 204) return response;
  const mediaType = response.headers.get("content-type")?.split(";")[0];
  const errors: string[] = [];
  if (!route.answer || mediaType === route.mediaType) {
    if (mediaType !== route.mediaType) errors.push(`${mediaType} instead of ${route.mediaType}`);
  } else if (mediaType !== "application/json") {
    errors.push(`${mediaType} instead of application/json`);
  } else {
    const result = check(route.answer, await response.clone().json());
    if ("errors" in result) {
      errors.push(...result.errors.map(({ field, message }) => `${field}: ${message}`));
    }
  }
  if (response.headers.has("link") && !route.paged) errors.push("a Link to another page");
  if (errors.length > 0) throw unlike(route, errors.slice(0, 10).join("; "));
  return response;
}

function unlike({ method, path }: Route, what: string, cause?: unknown): Problem {
  return new Problem(500, "Answer unlike its schema", {
    detail: `${method} ${path}: ${what}`,
    cause,
  });
}
