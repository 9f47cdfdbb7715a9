/**
 * Turns the errors of supabase-js, which have several shapes, into a `RemoteError` with the verdict that the code of
 * PostgREST or PostgreSQL means. No other part knows these codes.
 * @module
 */
import { isPage, pageVerdict, pause, RemoteError, type Verdict, VERDICTS } from "../../core/mod.ts";

const { retry, signIn, bisect, orphan, tooLarge, tooSlow } = VERDICTS;

/** What postgrest-js, auth-js and fetch have in common, at most. */
interface Shape {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  status?: unknown;
  details?: unknown;
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
  const message = String(shape.message ?? error);
  const answered = status ?? (typeof shape.status === "number" ? shape.status : undefined);
  // postgrest-js and auth-js set 0 when no answer came.
  const known = answered === undefined || answered === 0 ? undefined : answered;
  const code = codeOf(shape, { answered: known !== undefined, message });
  const state = [
    known === undefined ? noAnswer(code) : `status ${known}`,
    ...(code && code !== "timeout" ? [code] : []),
    ...(known !== undefined && quotesNoRow(shape) ? [message] : []),
  ].join(", ");
  return new RemoteError(`Cannot ${task} "${name}": ${state}`, {
    status: known,
    code,
    retryAfterMs: known === undefined ? undefined : retryAfterMs,
    detail: known === undefined ? undefined : detailOf(shape, message),
    verdict: verdictOf({ status: known, code, message }),
  });
}

/** Whether a policy refused a row (42501); the same code also means that a table may not be used at all. */
export function isRowPolicy({ code, detail = "" }: RemoteError): boolean {
  return code === "42501" && detail.includes("row-level security");
}

/** Whether a row of the same key is there already and is not this account's: a policy's USING refused its update. */
export function isHiddenRow(error: RemoteError): boolean {
  return isRowPolicy(error) && error.detail!.includes("USING");
}

/**
 * The key of a unique violation (23505): its columns, from `Key (system_id, id)=(pc-1, a)
 * already exists.`, or, where the account may not see rows, that it is the table's primary key, by its usual name.
 */
export function violatedKey(
  { code, detail = "" }: RemoteError,
): { columns: readonly string[]; primary: boolean } | undefined {
  if (code !== "23505") return undefined;
  const [, columns] = /Key \(([^)]*)\)=/.exec(detail) ?? [];
  return { columns: columns?.split(", ") ?? [], primary: /"[^"]+_pkey"/.test(detail) };
}

/**
 * The column that a message is about: `Could not find the 'a' column`, `Column 'a' of relation`, `column "a"`,
 * `column tasks.a does not exist`.
 */
export function columnIn(message: string): string | undefined {
  const found =
    /'([^']+)' column|[Cc]olumn '([^']+)'|column "([^"]+)"|column (?:\w+\.)?(\w+) does not exist/
      .exec(message);
  return found?.slice(1).find((column) => column !== undefined);
}

/** Messages of the sign-in name accounts, those of these codes tables and columns; all others may quote a row. */
function quotesNoRow({ name, code }: Shape): boolean {
  return String(name).startsWith("Auth") ||
    /^(PGRST[23]\d\d|42P01|42P10|42703|42501|428C9)$/.test(String(code));
}

function detailOf({ details }: Shape, message: string): string {
  return typeof details === "string" && details !== "" ? `${message}. ${details}` : message;
}

function codeOf(
  { name, code }: Shape,
  { answered, message }: { answered: boolean; message: string },
): string | undefined {
  if (typeof code === "string" && code !== "") return code;
  // postgrest-js puts the name of what fetch threw in front of its message.
  return !answered && (name === "TimeoutError" || /^TimeoutError\b/.test(message))
    ? "timeout"
    : undefined;
}

function noAnswer(code: string | undefined): string {
  return code === "timeout" ? "no answer in time" : "no answer";
}

const SCHEMA = pause(
  "the cloud's tables are not as this version needs them: apply `clockblock schema supabase` there",
);
const RIGHTS = pause(
  "this account has no right to it: apply `clockblock schema supabase` there, which grants what the agent needs",
);
const SERVER_SETUP = pause("the project is not set up to answer this: check its configuration");
const REQUEST = pause("the project does not understand the request: check supabase.url");

/** The longest prefix of the code decides. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  // PostgREST: https://docs.postgrest.org/en/stable/references/errors.html
  PGRST0: retry, // no connection to the database, pool timeout, schema cache not loaded yet
  PGRST1: REQUEST, // the request itself
  PGRST102: bisect, // invalid body: "All object keys must match" and other rows that do not fit
  PGRST106: SCHEMA, // the schema is not exposed
  PGRST111: SERVER_SETUP, // a server-side function sets broken headers
  PGRST112: SERVER_SETUP,
  PGRST2: SCHEMA, // 204 column, 205 table not in the schema cache
  PGRST3: signIn, // 301 JWT expired or invalid, 302 anonymous not allowed, 303 claims
  PGRST300: SERVER_SETUP, // the server has no JWT secret
  PGRSTX: retry, // internal error of its libraries

  // SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
  "08": retry, // connection
  "0A": SERVER_SETUP, // feature not supported
  "21": bisect, // 21000: the same key twice in one upsert; status 400 or, in PostgREST 14, 500
  "22": bisect, // data exception: wrong syntax, out of range, too long
  "23": bisect, // constraint: 23502 not null, 23505 unique, 23514 check, 23P01 exclusion
  "23503": orphan, // foreign key: the parent may be on its way
  "25": retry, // transaction state
  "25006": pause(
    "the database is read-only (often: its disk is full): look at the project's console",
  ),
  "27": bisect, // a trigger refuses the row
  "28": SERVER_SETUP, // PostgREST cannot sign in to the database
  "38": bisect, // an error in a function that the row started
  "39": bisect,
  "3D": SERVER_SETUP, // no such database
  "3F": SCHEMA, // no such schema
  "40": retry, // serialization failure, deadlock
  "42": SCHEMA, // 42P01 table, 42703 column, 42P10 no unique key for the upsert, 42P17 policy
  "42501": RIGHTS, // permission denied; a row that a policy refuses differs by its message
  "44": bisect, // check option of a view
  "53": retry, // out of resources
  "54": tooLarge, // program limit: a row or a statement is too large
  "55": retry, // lock not available
  "57": retry, // shutting down, starting up
  "57014": tooSlow, // statement timeout
  "58": retry, // system error
  P0: bisect, // P0001: a trigger raises
  XX: retry, // internal error
};

/** Undefined where only the HTTP status decides. */
function verdictOf(
  { status, code, message }: {
    status: number | undefined;
    code: string | undefined;
    message: string;
  },
): Verdict | undefined {
  // PostgREST turns 42501 into 401 for the anonymous role: then it is the sign-in that is missing.
  if (status === 401) return signIn;
  if (status !== undefined && isPage(message)) {
    return status === 404 ? REQUEST : pageVerdict(status);
  }
  // No code: PostgREST 12 answers `404 {}` to a POST to a missing table.
  if (status === 404 && code === undefined) return SCHEMA;
  if (code === undefined || !/^(PGRST(\d{3}|X\d\d)|[0-9A-Z]{5})$/.test(code)) return undefined;
  if (code === "42501" && message.includes("row-level security")) return bisect;
  for (let length = code.length; length > 0; length--) {
    const prefix = code.slice(0, length);
    if (Object.hasOwn(BY_CODE, prefix)) return BY_CODE[prefix];
  }
  return undefined;
}
