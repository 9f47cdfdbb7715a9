/**
 * A route of the local API as data: who is asked, what goes in, what comes out. The API checks requests by
 * it, tests check answers by it, and `/openapi.json` is made from it; a stream needs no HTTP library.
 * @module
 */
import type { Schema } from "../json/parse.ts";
import type { Readers } from "./readers.ts";

/** What a route's handler is given, already checked. */
export interface RouteRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The request itself, for its headers and address. Its body is read with `text`. */
  raw: Request;
  /**
   * The whole body, for a route that `reads` it itself.
   * @throws {Problem} 413 as soon as it grows beyond the route's limit, 400 when it is not UTF-8
   */
  text(): Promise<string>;
  /**
   * The same as bytes, of a text that may have another encoding.
   * @throws {Problem} 413 as soon as it grows beyond the route's limit
   */
  bytes(): Promise<Uint8Array>;
  /** Aborts when the server closes: an event stream ends then. */
  closing: AbortSignal;
  /** Those that answers are on their way to: a `Response` of more than some 16 KB has a `body` of theirs. */
  readers: Readers;
}

export interface Route<Params = unknown, Query = unknown, Body = unknown, Answer = unknown> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: `/records/{table}/{id}`. */
  path: string;
  /** One line for the documentation. */
  summary: string;
  /** Groups routes in the documentation: "playtime", "sync". */
  tag: string;
  /** From the path, decoded. */
  params?: Schema<Params>;
  /** From the query: text, or a list of texts where a name repeats. Absent: no query is allowed. */
  query?: Schema<Query>;
  /** A JSON body, parsed and checked; `undefined` when none was sent. */
  body?: Schema<Body>;
  /** Instead of `body`: the media types of a body that the handler reads itself, each with its shape. */
  reads?: Readonly<Record<string, Schema>>;
  /** What the answer looks like. Absent for an answer that is not JSON. */
  answer?: Schema<Answer>;
  /** The media type of an answer that is not JSON: `text/event-stream`. With `answer`, the route has both. */
  mediaType?: string;
  /** What other statuses say that come with the same answer: `{ 201: "The record is new." }`. */
  also?: Readonly<Record<number, string>>;
  /**
   * What this route in particular cannot do, by status: `{ 404: "There is no such record." }`. What any route may
   * answer (400, 401, 403, 413, 415, 421, 500) follows from what is declared above.
   */
  problems?: Readonly<Record<number, string>>;
  /** Whether a `Link` header leads to the next page, while there is one. */
  paged?: boolean;
  /** The largest body in bytes (default 1 MiB). */
  bodyLimit?: number;
  /**
   * Returns the answer, a `reply` where status or headers matter, or a `Response` that is not JSON.
   * Nothing at all is a 204. Throws a `Problem`.
   */
  handle(
    request: RouteRequest<Params, Query, Body>,
  ): Answer | Reply<Answer> | Response | Promise<Answer | Reply<Answer> | Response>;
}

/** The problems of a route that stores something. */
export const STORING: Readonly<Record<number, string>> = {
  503: "Another program holds the database: nothing was stored. Send it again after `Retry-After`.",
  507: "The disk is full: nothing was stored. Send it again once there is room.",
};

/** Declares a route; the types of its handler follow from its schemas. */
export function route<Params, Query, Body, Answer>(
  declared: Route<Params, Query, Body, Answer>,
): Route {
  // The API only calls `handle` with what the schemas have passed, which the erased type cannot say.
  return declared as Route;
}

/** An answer with a status or headers of its own. */
export class Reply<Answer> {
  constructor(
    readonly answer: Answer,
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

/** An answer with a status or headers of its own: `reply(rows, { headers: nextPage(raw, { before }) })`. */
export function reply<Answer>(
  answer: Answer,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } =
    {},
): Reply<Answer> {
  return new Reply(answer, status, headers);
}

/** The `Link` header to a list's next page: the same query, further on. */
export function nextPage(
  raw: Request,
  cursor: Readonly<Record<string, string | number>>,
): Record<string, string> {
  // By hand: a `URL` is parsed again for each parameter that is set.
  const [, path = "", search = ""] = /^[^:]+:\/\/[^/]+([^?#]*)\??([^#]*)/.exec(raw.url) ?? [];
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(cursor)) query.set(name, String(value));
  return { link: `<${path}?${query}>; rel="next"` };
}
