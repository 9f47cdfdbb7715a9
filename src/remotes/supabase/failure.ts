/**
 * Errors of supabase-js, which come in several shapes, as the one that the sync engine knows.
 * @module
 */
import { RemoteError } from "../../core/mod.ts";

/** What postgrest-js, auth-js and fetch have in common, at most. */
interface Shape {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  status?: unknown;
}

export interface RemoteErrorContext {
  /** The remote, as it is called in messages. */
  name: string;
  /** The HTTP status where the error itself does not carry it. */
  status?: number;
  retryAfterMs?: number | undefined;
}

/** @param task what was tried: `push 40 rows of heartbeats to` */
export function remoteError(
  task: string,
  error: unknown,
  { name, status, retryAfterMs }: RemoteErrorContext,
): RemoteError {
  const shape: Shape = typeof error === "object" && error !== null ? error : {};
  const words = String(shape.message ?? error);
  const answered = status ?? (typeof shape.status === "number" ? shape.status : undefined);
  // postgrest-js and auth-js say 0 when no answer came.
  const known = answered === undefined || answered === 0 ? undefined : answered;
  const code = codeOf(shape, { answered: known !== undefined, words });
  const state = [
    known === undefined ? noAnswer(code) : `status ${known}`,
    ...(code && code !== "timeout" ? [code] : []),
    // The sign-in speaks of accounts; everything else may quote a row, or an address with a row in it.
    ...(known !== undefined && String(shape.name).startsWith("Auth") ? [words] : []),
  ].join(", ");
  return new RemoteError(`Cannot ${task} "${name}": ${state}`, {
    status: known,
    code,
    retryAfterMs: known === undefined ? undefined : retryAfterMs,
    detail: known === undefined ? undefined : words,
  });
}

function codeOf(
  { name, code }: Shape,
  { answered, words }: { answered: boolean; words: string },
): string | undefined {
  if (typeof code === "string" && code !== "") return code;
  // postgrest-js puts the name of what fetch threw in front of its message.
  return !answered && (name === "TimeoutError" || /^TimeoutError\b/.test(words))
    ? "timeout"
    : undefined;
}

function noAnswer(code: string | undefined): string {
  return code === "timeout" ? "no answer in time" : "no answer";
}
