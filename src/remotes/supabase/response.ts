/**
 * Responses, checked before supabase-js reads them. It takes a page for the success of a write, an empty 404 for a
 * success, and ends the session at any 4xx to a refresh.
 * @module
 */
import {
  isObject,
  isPage,
  pageInstead,
  readText,
  UnusableAnswerError,
  VERDICTS,
} from "../../core/mod.ts";
import { withMarkedNumbers } from "./exact_numbers.ts";

/** What a request is for: its address is all that supabase-js passes on. */
export type RequestKind = "rows" | "session" | "refresh" | "health" | "other";

/** How much of the health response is read, */
const MAX_HEALTH_BYTES = 8 * 1024;
/** and of any other: a record has at most 1 MiB. */
const MAX_ANSWER_BYTES = 4 << 20;

export function requestKind(address: string): RequestKind {
  if (address.includes("/rest/v1/")) return "rows";
  if (address.includes("/auth/v1/health")) return "health";
  if (!address.includes("/auth/v1/token")) return "other";
  return address.includes("grant_type=refresh_token") ? "refresh" : "session";
}

/** The response as supabase-js may read it. @throws {UnusableAnswerError} when it is not the project's */
export async function checkedResponse(response: Response, kind: RequestKind): Promise<Response> {
  if (kind === "other") return response;
  const { ok, status, headers } = response;
  if (kind === "health") {
    const { text } = await readText(response, MAX_HEALTH_BYTES);
    if (status < 500 && isPage(text)) throw pageInstead();
    return response;
  }
  const { text, whole } = await readText(response, MAX_ANSWER_BYTES);
  if (!whole) {
    throw new UnusableAnswerError(`its answer is longer than ${MAX_ANSWER_BYTES >> 20} MiB`, {
      status,
      verdict: VERDICTS.tooLong,
    });
  }
  if (ok && isPage(text)) throw pageInstead();
  if (kind === "rows") return new Response(rowsIn(text, { ok, status }), { status, headers });
  if (ok) return sessionIn(text, status);
  if (kind === "refresh" && status < 500 && !isRefusal(text, status)) {
    if (isPage(text)) throw pageInstead();
    throw new UnusableAnswerError(`status ${status}, which says nothing of the sign-in`, {
      status,
    });
  }
  return new Response(text, { status, headers });
}

/** PostgREST answers with JSON or nothing. */
function rowsIn(text: string, { ok, status }: { ok: boolean; status: number }): string | null {
  if (!ok) return /^\s*(\[|$)/.test(text) ? "{}" : text;
  if (text === "") return null;
  try {
    return withMarkedNumbers(text);
  } catch {
    throw new UnusableAnswerError("its answer is no whole JSON", { status });
  }
}

/**
 * A session whose expiry is counted from now: the server states it by its clock, and ours may be a day off, so that
 * every request would refresh, or none.
 */
function sessionIn(text: string, status: number): Response {
  const { expires_at: _, ...session } = parsed(text);
  const { access_token, refresh_token, expires_in, user } = session;
  const whole = typeof access_token === "string" && typeof refresh_token === "string" &&
    typeof expires_in === "number" && isObject(user) && typeof user.id === "string";
  if (!whole) throw new UnusableAnswerError("its answer is no sign-in", { status });
  return Response.json(session, { status });
}

/** Whether the project itself refuses: in one of the shapes that its sign-in has had. */
function isRefusal(text: string, status: number): boolean {
  if (![400, 401, 403, 422].includes(status)) return false;
  const { code, message, error_code, error_description } = parsed(text);
  return typeof error_code === "string" || typeof error_description === "string" ||
    (typeof code === "string" && typeof message === "string");
}

/** A JSON object's members; none where it is something else. */
function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
