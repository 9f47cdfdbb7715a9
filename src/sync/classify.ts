/**
 * What a failed call means for the lane. The cloud's own code says more than the HTTP status (PostgREST
 * answers 500 to a row that can never pass), so it is asked first; then the status; and no answer at all
 * means the network.
 * @module
 */
import type { RemoteError } from "../core/mod.ts";

/**
 * What the lane does:
 * - `retry`: the same again, later and later
 * - `split`: the same in smaller parts
 * - `sign-in`: fresh credentials, once; then a person has to sign in
 * - `pause`: a person has to act; asked again every few minutes, no row is blamed
 * - `bisect`: one row is the trouble: find it, keep it with its reason, let the others pass
 * - `duplicate`: the cloud has the row already: settled, when the answer is to this row alone
 */
export type Action = "retry" | "split" | "sign-in" | "pause" | "bisect" | "duplicate";

export interface Verdict {
  action: Action;
  /**
   * What becomes of a row that gets this answer alone. `wait`: it stays and the lane comes back later;
   * `later`: the same, but only a few times, then it is rejected (its parent may still be on the way).
   */
  alone: "wait" | "later" | "reject" | "settle";
  /** What a person can do, for `pause`. */
  advice?: string;
}

/** The facts that count: a {@link RemoteError}, or as much of one as there is. */
export type Facts = Partial<Pick<RemoteError, "status" | "code">>;

const RETRY: Verdict = { action: "retry", alone: "wait" };
const SIGN_IN: Verdict = { action: "sign-in", alone: "wait" };
const BISECT: Verdict = { action: "bisect", alone: "reject" };
const ORPHAN: Verdict = { action: "bisect", alone: "later" };
const DUPLICATE: Verdict = { action: "duplicate", alone: "settle" };
/** Too large to be taken: a row that is too large alone never will be. */
const TOO_LARGE: Verdict = { action: "split", alone: "reject" };
/** Too slow: fewer rows may pass, and a single row may pass another time. */
const TOO_SLOW: Verdict = { action: "split", alone: "wait" };

function pause(advice: string): Verdict {
  return { action: "pause", alone: "wait", advice };
}

const SCHEMA = pause(
  "the cloud's tables are not as this version needs them: apply `clockblock schema supabase` there",
);
const RIGHTS = pause("access is refused: check the rights of this account or device there");
const SERVER_SETUP = pause("the server is not set up to answer this: check its configuration");
const ADDRESS = pause("nothing takes rows at this address: check endpoint_url");
const MOVED = pause("the address redirects elsewhere: set endpoint_url to where it leads");
const FORMAT = pause(
  "the server does not know what to do with this: check that the configured address is the right one",
);

/** The longest beginning of the code that stands here decides; its source stands beside it. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  // Our own: the hard timeout of an attempt, or the remote's.
  timeout: TOO_SLOW,

  // PostgREST: https://docs.postgrest.org/en/stable/references/errors.html
  PGRST0: RETRY, // no connection to the database, pool timeout, schema cache not loaded yet
  PGRST1: FORMAT, // the request itself
  PGRST102: BISECT, // invalid body: "All object keys must match" and other rows that do not fit
  PGRST106: SCHEMA, // the schema is not exposed
  PGRST111: SERVER_SETUP, // a server-side function sets broken headers
  PGRST112: SERVER_SETUP,
  PGRST2: SCHEMA, // 204 column, 205 table not in the schema cache
  PGRST3: SIGN_IN, // 301 JWT expired or invalid, 302 anonymous not allowed, 303 claims
  PGRST300: SERVER_SETUP, // the server has no JWT secret
  PGRSTX: RETRY, // internal error of its libraries

  // SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
  "08": RETRY, // connection
  "0A": SERVER_SETUP, // feature not supported
  "21": BISECT, // 21000: the same key twice in one upsert; PostgREST makes it HTTP 500
  "22": BISECT, // data exception: wrong syntax, out of range, too long
  "23": BISECT, // constraint: 23502 not null, 23514 check, 23P01 exclusion
  "23503": ORPHAN, // foreign key: the parent may be on its way
  "23505": DUPLICATE, // unique: on the idempotency key
  "25": RETRY, // transaction state
  "25006": pause(
    "the cloud's database is read-only (often: its disk is full): look at its console",
  ),
  "27": BISECT, // a trigger refuses the row
  "28": SERVER_SETUP, // the server cannot sign in to its database
  "38": BISECT, // an error in a function that the row set off
  "39": BISECT,
  "3D": SERVER_SETUP, // no such database
  "3F": SCHEMA, // no such schema
  "40": RETRY, // serialization failure, deadlock
  "42": SCHEMA, // 42P01 table, 42703 column, 42P10 no unique key for the upsert, 42P17 policy
  "42501": RIGHTS, // row-level security, missing grant
  "44": BISECT, // check option of a view
  "53": RETRY, // out of resources
  "54": TOO_LARGE, // program limit: a row or a statement is too large
  "55": RETRY, // lock not available
  "57": RETRY, // shutting down, starting up
  "57014": TOO_SLOW, // statement timeout
  "58": RETRY, // system error
  P0: BISECT, // P0001: a trigger raises
  XX: RETRY, // internal error
};

/** Statuses that do not mean what their hundred means. */
const BY_STATUS: Readonly<Record<number, Verdict>> = {
  400: BISECT,
  402: pause("the cloud wants to be paid or its quota is used up: look at its console"),
  403: RIGHTS,
  404: ADDRESS,
  405: ADDRESS,
  407: pause("a proxy wants to be signed in to: this machine's network needs a person"),
  408: TOO_SLOW,
  409: DUPLICATE,
  410: ADDRESS,
  413: TOO_LARGE,
  421: RETRY, // misdirected: a fresh connection helps
  422: BISECT,
  423: RETRY, // locked
  424: RETRY,
  425: RETRY, // too early
  429: RETRY,
  501: FORMAT,
  504: TOO_SLOW,
  505: FORMAT,
  524: TOO_SLOW, // Cloudflare: the origin took too long
};

/** What a failed call means. Unknown facts mean `retry`: nothing is given up for want of knowledge. */
export function classify({ status, code }: Facts): Verdict {
  // PostgREST turns 42501 into 401 when nobody was signed in; then it is the sign-in that is missing.
  if (status === 401) return SIGN_IN;
  const known = byCode(code);
  if (known) return known;
  if (status === undefined || status < 300) return RETRY;
  if (status < 400) return MOVED;
  return BY_STATUS[status] ?? (status < 500 ? FORMAT : RETRY);
}

function byCode(code: string | undefined): Verdict | undefined {
  if (!code || !isKnownKind(code)) return undefined;
  for (let length = code.length; length > 0; length--) {
    const beginning = code.slice(0, length);
    if (Object.hasOwn(BY_CODE, beginning)) return BY_CODE[beginning];
  }
  return undefined;
}

/** A server's own codes ("221B", "P0-low-stock") are not taken for PostgreSQL's. */
function isKnownKind(code: string): boolean {
  return code === "timeout" || /^PGRST(\d{3}|X\d\d)$/.test(code) || /^[0-9A-Z]{5}$/.test(code);
}
