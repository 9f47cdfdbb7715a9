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
  /** Systems that belong to another account, as far as is known. */
  foreign?: readonly string[];
}

/** @param task what was tried: `push 40 rows of heartbeats to` */
export function remoteError(
  task: string,
  error: unknown,
  { name, status, retryAfterMs, foreign = [] }: RemoteErrorContext,
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
    ...(known !== undefined && speaksOfNoRow(shape) ? [words] : []),
    ...(code === "42501" ? foreign.map(belongsToAnother) : []),
  ].join(", ");
  return new RemoteError(`Cannot ${task} "${name}": ${state}`, {
    status: known,
    code,
    retryAfterMs: known === undefined ? undefined : retryAfterMs,
    detail: known === undefined ? undefined : words,
  });
}

function belongsToAnother(system: string): string {
  return `system "${system}" belongs to another account, whose owner can add this one to system_members`;
}

/** The sign-in speaks of accounts, and some codes of tables and columns; everything else may quote a row. */
function speaksOfNoRow({ name, code }: Shape): boolean {
  return String(name).startsWith("Auth") ||
    /^(PGRST[23]\d\d|42P01|42P10|42703|42501|428C9)$/.test(String(code));
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
