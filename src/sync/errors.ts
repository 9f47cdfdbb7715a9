/**
 * What a failed call means for the lane: by the remote's own verdict, else by the HTTP status; no answer at all means
 * the network.
 * @module
 */
import {
  logger,
  pause,
  type PushResult,
  REDIRECTED,
  type Rejection,
  RemoteError,
  type Verdict,
  VERDICTS,
  type Warnings,
} from "../core/mod.ts";

const { retry, signIn, bisect, duplicate, tooLarge, tooSlow } = VERDICTS;

/** Why a lane could not continue. */
export interface Failure {
  /** For the log and the status: names what was attempted, never a row's content. */
  message: string;
  status?: number | undefined;
  code?: string | undefined;
  retryAfterMs?: number | undefined;
  /** The cloud's own message, which may quote a row: kept with the row, shown nowhere else. */
  detail?: string | undefined;
  verdict: Verdict;
  /** An error in the program, for the log. */
  cause?: unknown;
  /**
   * Whether the remote itself answered: a redirect to another origin is no answer of it. Undefined when the cause is on
   * this machine.
   */
  answered?: boolean | undefined;
}

/** How a lane's pull or push of one round ended. */
export interface RoundResult {
  /** Why it ended early, or could not sync some tables. */
  failure?: Failure;
  /** Whether the failure concerns some tables only. */
  tableOnly?: boolean;
  /** Why rows stay although the remote took others. */
  deferredReason?: Failure;
  /** Whether the remote took rows, or a table was read to its end. */
  progress: boolean;
  /** Whether the round was full, with rows left to push. */
  more?: boolean;
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
      verdict: verdictOf(error),
      // A pause without a status: what a person has to do first is on this machine.
      answered: status === undefined && error.verdict?.action === "pause"
        ? undefined
        : status !== undefined && !isRedirect(status),
    };
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return { message: error.message, code: "timeout", verdict: tooSlow, answered: false };
  }
  if (error instanceof Error && !isProgramError(error)) {
    return { message: error.message, verdict: retry };
  }
  return {
    message: "Cannot continue: an error in the program, see the log",
    verdict: retry,
    cause: error,
  };
}

/** What JavaScript itself throws: its message helps programmers only. */
function isProgramError(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}

/**
 * Whether the failure concerns one table, so that the others can continue. No answer, a refused sign-in and a server
 * that is busy or down concern them all.
 */
export function concernsTable({ answered, status = 0, verdict }: Failure): boolean {
  if (!answered || verdict.action === "sign-in") return false;
  return verdict.action !== "retry" || (status !== 429 && status < 502);
}

/** Whether a push would fail like the pull before it: no answer, or no sign-in. */
export function preventsPush({ verdict, answered }: Failure): boolean {
  return answered === false || verdict.action === "sign-in";
}

/** The kind of a failure: the same text for any number of rows. */
export function kindOf({ status, code, message }: Failure): string {
  if (status === undefined) return code ?? message.replaceAll(/\d+/g, "…");
  return code === undefined ? `status ${status}` : `status ${status} (${code})`;
}

/** Whether only a person can solve it. */
export function needsPerson({ verdict }: Failure): boolean {
  return verdict.action === "pause" || verdict.action === "sign-in";
}

/** Whether a request beside the outbox succeeds. A failure is logged; one that needs a person becomes a warning. */
export async function succeeds(
  request: Promise<unknown>,
  { what, code, warnings }: { what: string; code: string; warnings: Warnings },
): Promise<boolean> {
  try {
    await request;
    warnings.clear(code);
    return true;
  } catch (error) {
    const failure = failureOf(error);
    logger("sync").debug("{what} not pushed: {message}", { what, message: failure.message });
    if (needsPerson(failure)) {
      warnings.raise(code, `${failure.message}: ${failure.verdict.advice ?? "sign in again"}`);
    }
    return false;
  }
}

/** Why a row of an accepted batch stays: it was named for another time, or not at all. */
export function unansweredRow(
  rejection: Rejection | undefined,
  { accepted }: PushResult,
): Failure {
  return {
    message: rejection
      ? "The cloud wants some rows another time"
      : `The cloud accepted ${accepted.length} rows and left the others unanswered`,
    status: rejection?.status,
    code: rejection?.code,
    verdict: { action: "retry", alone: "wait" },
    answered: true,
  };
}

/** The failure of a remote that refused this many single rows in a row: the address is suspected. */
export function wrongAddress(failure: Failure, refusals: number): Failure {
  const did = failure.verdict.alone === "settle" ? "claimed to have" : "refused";
  return {
    ...failure,
    verdict: pause(
      `it has ${did} the last ${refusals} rows, whatever they were: ` +
        "check that the configured address is the right one and takes these rows",
    ),
  };
}

const RIGHTS = pause("access is refused: check the rights of this account or device there");
const ADDRESS = pause("nothing takes rows at this address: check endpoint_url");
const FORMAT = pause(
  "the server does not know what to do with this: check that the configured address is the right one",
);

/** Statuses that mean something else than their class (4xx, 5xx). */
const BY_STATUS: Readonly<Record<number, Verdict>> = {
  400: bisect,
  401: signIn,
  402: pause("the cloud wants to be paid or its quota is used up: look at its console"),
  403: RIGHTS,
  404: ADDRESS,
  405: ADDRESS,
  407: pause("a proxy wants to be signed in to: this machine's network needs a person"),
  408: tooSlow,
  409: duplicate,
  410: ADDRESS,
  413: tooLarge,
  421: retry, // misdirected: a fresh connection helps
  422: bisect,
  423: retry, // locked
  424: retry,
  425: retry, // too early
  429: retry,
  501: FORMAT,
  504: tooSlow,
  505: FORMAT,
  524: tooSlow, // Cloudflare: the origin took too long
};

/** What a failed call means. Unknown facts mean `retry`: no row is rejected for lack of knowledge. */
export function verdictOf(
  { verdict, status, code }: Partial<Pick<RemoteError, "verdict" | "status" | "code">>,
): Verdict {
  if (verdict) return verdict;
  if (code === "timeout") return tooSlow;
  if (status === undefined || status < 300) return retry;
  if (isRedirect(status)) return REDIRECTED;
  return BY_STATUS[status] ?? (status < 500 ? FORMAT : retry);
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}
