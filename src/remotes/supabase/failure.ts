/**
 * Errors of supabase-js, which come in several shapes, as the one that the sync engine knows.
 * @module
 */
import { RemoteError } from "../../core/mod.ts";

/** What postgrest-js, auth-js and fetch have in common, at most. */
interface Shape {
  message?: unknown;
  code?: unknown;
  status?: unknown;
}

/**
 * @param task what was tried: `push 40 rows of heartbeats to`
 * @param status the HTTP status where the error itself does not carry it
 */
export function remoteError(
  task: string,
  error: unknown,
  { name, status, retryAfterMs }: {
    name: string;
    status?: number;
    retryAfterMs?: number | undefined;
  },
): RemoteError {
  const shape: Shape = typeof error === "object" && error !== null ? error : {};
  const code = typeof shape.code === "string" && shape.code !== "" ? shape.code : undefined;
  const answered = status ?? (typeof shape.status === "number" ? shape.status : undefined);
  // postgrest-js answers 0 when no answer came.
  const known = answered === undefined || answered === 0 ? undefined : answered;
  const state = [
    known === undefined ? "no answer" : `status ${known}`,
    ...(code ? [code] : []),
    withoutContent(String(shape.message ?? error)),
  ].join(", ");
  return new RemoteError(`Cannot ${task} "${name}": ${state}`, {
    status: known,
    code,
    retryAfterMs,
    cause: error,
  });
}

/** PostgreSQL quotes the value it cannot take behind a colon: `invalid input syntax for type uuid: "…"`. */
function withoutContent(message: string): string {
  return message.replace(/: "[^]*"/, "").slice(0, 300);
}
