/**
 * Why a lane could not go on: the facts of an error, and what they mean.
 * @module
 */
import { RemoteError } from "../core/mod.ts";
import { classify, type Verdict } from "./classify.ts";

export interface Failure {
  /** For the log and the status: names what was attempted, never a row's content. */
  message: string;
  status?: number | undefined;
  code?: string | undefined;
  retryAfterMs?: number | undefined;
  /** The cloud's own words, which may quote a row: kept with the row, shown nowhere else. */
  detail?: string | undefined;
  verdict: Verdict;
  /** Whether the remote answered at all; undefined when the trouble is on this machine. */
  answered?: boolean | undefined;
}

/** What an error of a remote or of the database means to the lane. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RemoteError) {
    const { message, status, code, retryAfterMs, detail } = error;
    return {
      message,
      status,
      code,
      retryAfterMs,
      detail,
      verdict: classify(error),
      answered: status !== undefined,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, verdict: { action: "retry", alone: "wait" } };
}

/** Whether nothing helps but a person. */
export function needsPerson({ verdict }: Failure): boolean {
  return verdict.action === "pause" || verdict.action === "sign-in";
}
