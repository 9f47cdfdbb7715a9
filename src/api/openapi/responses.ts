/**
 * The statuses that a route may answer, and what each says: for the API's description, and for tests that hold the
 * agent to it.
 * @module
 */
import type { Route } from "../../core/mod.ts";
import { isRead, OPEN_PATHS } from "../security/security.ts";

/** What each status says. */
export type Answers = Readonly<Record<number, string>>;

/** Answers that are what was asked for. */
export function successes({ answer, mediaType, also = {} }: Route): Answers {
  return { [answer || mediaType ? 200 : 204]: "Done.", ...also };
}

/** Answers that are a problem document. */
export function refusals(
  { method, path, params, query, body, reads, problems = {} }: Route,
): Answers {
  const takesBody = body !== undefined || reads !== undefined;
  const read = [
    ...params ? ["the path"] : [],
    ...query ? ["the query"] : [],
    ...takesBody ? ["the body"] : [],
  ];
  return {
    400: read.length > 0
      ? `Something in ${
        read.join(", ")
      } is not as it has to be; \`parameter\` and \`errors\` name it.`
      : "There is a query, which this does not take, or no Host.",
    ...isRead(method)
      ? OPEN_PATHS.includes(path)
        ? {}
        : { 401: "The token is missing or wrong; only asked for when `api_host` is not loopback." }
      : { 401: "The token is missing or wrong." },
    403: "A web page of another origin asked, which is not among `api_allowed_origins`.",
    ...takesBody
      ? {
        413: "The body is too large; `limit_bytes` says how large it may be.",
        415: "The body is of another media type than those listed here.",
      }
      : {},
    421: "The Host is not a name of this agent.",
    ...problems,
  };
}
