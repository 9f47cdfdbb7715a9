/** Responses: JSON and problem documents, each with the security headers. @module */
import { logger, PIECE_BYTES, Problem, randomId, type Readers, Reply } from "../core/mod.ts";
import { storeErrorKind } from "../store/mod.ts";
import type { ListAnswer } from "./list_answer.ts";

/** On every answer but JSON. The page has a policy of its own. */
const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};
const JSON_TYPE = { "content-type": "application/json" };
/**
 * Those of an API whose answers no browser takes for a page, after OWASP's REST Security Cheat Sheet. Kept short: the
 * runtime sends up to 512 bytes, head and body, in one system call.
 */
const MORE_HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
};
const JSON_HEADERS = { ...JSON_TYPE, ...MORE_HEADERS };
const MORE_ENTRIES = Object.entries(MORE_HEADERS);

interface JsonInit {
  status?: number;
  headers?: Readonly<Record<string, string>>;
}

/** A JSON text as an answer. */
export function json(text: string, { status = 200, headers = {} }: JsonInit = {}): Response {
  // The runtime makes a response in 0.3 µs instead of 6 where the type is its only header; the others then take 0.3 each.
  const response = new Response(text, { status, headers: JSON_TYPE });
  for (const [name, value] of MORE_ENTRIES) response.headers.append(name, value);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** A JSON text of any length as an answer. */
export function longJson(text: string, readers: Readers, init: JsonInit = {}): Response {
  if (text.length <= PIECE_BYTES) return json(text, init);
  return readers.text(text, { ...init, headers: { ...JSON_HEADERS, ...init.headers } });
}

/** A list as an answer. */
export function listResponse({ body, headers }: ListAnswer, readers: Readers): Response {
  if (typeof body === "string") return longJson(body, readers, { headers });
  return readers.pieces(body, { headers: { ...JSON_HEADERS, ...headers } });
}

/** An answer that is JSON text already, made once for many. */
export class JsonText extends Reply<never> {
  constructor(readonly text: string) {
    // The value is never read: `text` is sent.
    super(undefined as never, 200, {});
  }
}

/** Adds the security headers; a header that the response has stays. */
export function withSecurityHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}

/** The problem as an answer. */
export function problemResponse(problem: Problem): Response {
  return json(JSON.stringify(problem), {
    status: problem.status,
    headers: { ...problem.headers, "content-type": "application/problem+json" },
  });
}

/** The HTTP status that an error is answered with. */
export function statusOf(error: unknown): number {
  if (error instanceof Problem) return error.status;
  return { full: 507, busy: 503 }[String(storeErrorKind(error))] ?? 500;
}

/**
 * The answer to an error. An unexpected one is answered with an id; the log has the rest under it.
 * @param doing the request, for the log: `GET /history`
 */
export function problemOf(error: unknown, doing: string): Problem {
  if (error instanceof Problem) {
    if (error.cause !== undefined && error.status >= 500) {
      log().warn("Cannot {doing}: {error}", { doing, error: error.cause });
    }
    return error;
  }
  switch (storeErrorKind(error)) {
    case "full":
      return new Problem(507, "Disk full", {
        detail: "Nothing was stored: the disk is full. Free some space and send it again.",
        cause: error,
      });
    case "io":
      return new Problem(500, "Disk failed", {
        detail: "The disk cannot be read or written, and nothing was stored: check the disk and " +
          "its connection, and send it again.",
        cause: error,
      });
    case "busy":
      return new Problem(503, "Database busy", {
        detail: "Nothing was stored: another program holds the database. Send it again.",
        headers: { "retry-after": "1" },
        cause: error,
      });
  }
  const id = randomId();
  log().error("Cannot {doing}: {error}", { doing, id, error });
  return new Problem(500, "Internal error", {
    detail: `The agent failed to do this. Its log has the reason under ${id}.`,
    extra: { id },
    cause: error,
  });
}

function log() {
  return logger("api");
}
