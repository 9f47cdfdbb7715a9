/** Error → exit code and message, in one place. @module */
import { ListenError } from "../agent.ts";
import { ConfigError } from "../config/mod.ts";
import { Problem } from "../core/mod.ts";
import { StoreError, type StoreErrorKind } from "../store/mod.ts";
import { ApiError } from "./client.ts";
import { harmless } from "./terminal.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, alreadyRunning: 3 } as const;

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Errors of the setup, which the user has to correct before the agent can work. */
const SETUP: ReadonlySet<StoreErrorKind> = new Set(["newer", "busy", "readonly", "cannot-open"]);

export function exitCodeOf(error: unknown): number {
  if (error instanceof StoreError && error.kind === "locked") return EXIT.alreadyRunning;
  if (isUserError(error)) return EXIT.usage;
  return EXIT.failed;
}

/** Whether the user has to correct something: the message is complete without a stack trace. */
export function isUserError(error: unknown): boolean {
  return error instanceof UsageError || error instanceof ConfigError ||
    (error instanceof StoreError && (SETUP.has(error.kind) || error.kind === "locked")) ||
    (error instanceof ApiError && error.status === 400) ||
    error instanceof ListenError || error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.PermissionDenied;
}

/** What to print for an error: one line, several for a configuration with several mistakes. Never a stack. */
export function messageOf(error: unknown): string {
  // The message may quote text of a caller, a device or a server.
  return wordsOf(error).split("\n").map(harmless).join("\n");
}

function wordsOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
