/**
 * A route of the local API as data: who is asked, what goes in, what comes out. The API checks requests by
 * it, tests check answers by it, and `/openapi.json` is made from it; a stream needs no HTTP library.
 * @module
 */
import type { Schema } from "./parse.ts";

/** What a route's handler is given, already checked. */
export interface RouteRequest<Params, Query, Body> {
  params: Params;
  query: Query;
  body: Body;
  /** The request itself, for headers, a streamed body and its abort signal. */
  raw: Request;
}

export interface Route<Params = unknown, Query = unknown, Body = unknown, Answer = unknown> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** As OpenAPI writes it: `/records/{table}/{id}`. */
  path: string;
  /** One line for the documentation. */
  summary: string;
  /** Groups routes in the documentation: "playtime", "sync". */
  tag: string;
  params?: Schema<Params>;
  query?: Schema<Query>;
  /** Absent: the handler reads `raw` itself, or there is no body. */
  body?: Schema<Body>;
  /** What the answer looks like. Absent for an answer that is not JSON. */
  answer?: Schema<Answer>;
  /** The media type of an answer that is not JSON: `text/event-stream`. */
  mediaType?: string;
  /** The largest body in bytes (default 1 MiB). */
  bodyLimit?: number;
  /** Returns the answer, or a `Response` where status, headers or a stream matter. Throws a `Problem`. */
  handle(
    request: RouteRequest<Params, Query, Body>,
  ): Answer | Response | Promise<Answer | Response>;
}

/** Declares a route; the types of its handler follow from its schemas. */
export function route<Params, Query, Body, Answer>(
  declared: Route<Params, Query, Body, Answer>,
): Route {
  // The API only calls `handle` with what the schemas have passed, which the erased type cannot say.
  return declared as Route;
}
