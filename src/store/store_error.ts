/** Errors of the database, by what the caller can do about them. @module */
import type { Instant } from "../core/mod.ts";

/**
 * `full`: no space left · `io`: the disk cannot be read or written · `busy`: another program holds it ·
 * `locked`: another agent holds it · `corrupt`: damaged · `newer`: of a later version · `readonly`: may not be
 * written · `cannot-open`: not there, not a file, not ours, not permitted
 */
export type StoreErrorKind =
  | "full"
  | "io"
  | "busy"
  | "locked"
  | "corrupt"
  | "newer"
  | "readonly"
  | "cannot-open"
  | "other";

/** Who holds a database. */
export interface Holder {
  pid: number;
  /** Where its API listens, once it does. */
  url: string | null;
  since: Instant;
}

export interface StoreErrorOptions {
  /** Who holds the database, where it is `locked` and the holder said so. */
  holder?: Holder | undefined;
  cause?: unknown;
}

export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly holder: Holder | undefined;

  constructor(readonly kind: StoreErrorKind, message: string, options: StoreErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.holder = options.holder;
  }
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html), primary ones in the low byte. */
const KINDS: Readonly<Record<number, StoreErrorKind>> = {
  5: "busy",
  6: "busy",
  8: "readonly",
  10: "io",
  11: "corrupt",
  13: "full",
  14: "cannot-open",
  26: "corrupt",
};

/** SQLITE_IOERR_SHMSIZE: the shared memory file beside the database cannot grow, which a full disk causes. */
const IOERR_SHMSIZE = 4874;

/** What an error of SQLite means; `undefined` when it is not one of SQLite's. */
export function storeErrorKind(error: unknown): StoreErrorKind | undefined {
  if (error instanceof StoreError) return error.kind;
  if (!(error instanceof Error)) return undefined;
  // The one failure of SQLite's constructor, which gives no result code.
  if (error.message.startsWith("unable to open database file")) return "cannot-open";
  // A schema format above 4, the last since 2006, comes with no code of its own: the header is damaged.
  if (error.message === "unsupported file format") return "corrupt";
  if (!("errcode" in error)) return undefined;
  const code = Number(error.errcode);
  return code === IOERR_SHMSIZE ? "full" : KINDS[code & 0xff] ?? "other";
}

/** State and advice for the user. */
export const STATES: Readonly<Partial<Record<StoreErrorKind, string>>> = {
  full: "the disk is full. Free some space; writing then goes on by itself",
  io: "the disk cannot be read or written. Check the disk and its connection",
  busy: "another program has locked it. Close that program",
  corrupt: "it is damaged",
  readonly: "it may not be written. Check the permissions of the file and its folder",
  "cannot-open": "it cannot be opened. Check that it is a file and that it may be read and written",
};

/**
 * The error of a failed attempt when the database is at fault: `Cannot write to the database: the disk is
 * full. …`. `undefined` when the statement itself is (a constraint, say) or SQLite had no part in it.
 */
export function databaseFailure(attempt: string, error: unknown): StoreError | undefined {
  if (error instanceof StoreError) return error;
  const kind = storeErrorKind(error);
  const state = kind && STATES[kind];
  return state ? new StoreError(kind, `${attempt}: ${state}.`, { cause: error }) : undefined;
}

/** What `PRAGMA integrity_check` says, on one line and without the headings it puts before each database. */
export function damageText(findings: string): string {
  return findings.replace(/\*\*\* in database \w+ \*\*\*\s*/g, "").trim().replace(
    /\s*\n\s*/g,
    "; ",
  );
}
