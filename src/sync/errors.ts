/**
 * What a failed call means for the lane: by the remote's own verdict, else by the HTTP status; no answer at all means
 * the network.
 * @module
 */
import { pause, REDIRECTED, RemoteError, type Verdict, VERDICTS } from "../core/mod.ts";

const { retry, signIn, bisect, duplicate, tooLarge, tooSlow } = VERDICTS;

/** Why a lane could not go on. */
export interface Failure {
  /** For the log and the status: names what was attempted, never a row's content. */
  message: string;
  status?: number | undefined;
  code?: string | undefined;
  retryAfterMs?: number | undefined;
  /** The cloud's own words, which may quote a row: kept with the row, shown nowhere else. */
  detail?: string | undefined;
  verdict: Verdict;
  /** A mistake in the program, for the log. */
  cause?: unknown;
  /**
   * Whether the remote itself answered: a redirect to elsewhere does not come from where the rows go. Undefined when
   * the trouble is on this machine.
   */
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
      verdict: verdictOf(error),
      // What a person has to do before anything is sent is this machine's matter.
      answered: status === undefined && error.verdict?.action === "pause"
        ? undefined
        : status !== undefined && !isRedirect(status),
    };
  }
  if (error instanceof Error && !isMistake(error)) {
    return { message: error.message, verdict: retry };
  }
  return {
    message: "Cannot go on: a mistake in the program, see the log",
    verdict: retry,
    cause: error,
  };
}

/** What JavaScript throws of itself: its words are for those who write programs. */
function isMistake(error: Error): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind);
}

/**
 * Whether the failure concerns one table, so that the others can go on. No answer, a refused sign-in and a server that
 * is busy or away concern them all.
 */
export function concernsTable({ answered, status = 0, verdict }: Failure): boolean {
  if (!answered || verdict.action === "sign-in") return false;
  return verdict.action !== "retry" || (status !== 429 && status < 502);
}

/** Whether nothing helps but a person. */
export function needsPerson({ verdict }: Failure): boolean {
  return verdict.action === "pause" || verdict.action === "sign-in";
}

const RIGHTS = pause("access is refused: check the rights of this account or device there");
const ADDRESS = pause("nothing takes rows at this address: check endpoint_url");
const FORMAT = pause(
  "the server does not know what to do with this: check that the configured address is the right one",
);

/** Statuses that do not mean what their hundred means. */
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

/** What a failed call means. Unknown facts mean `retry`: no row is given up for lack of knowledge. */
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
