/**
 * What can be wrong with the database, sorted by what the caller can do about it.
 * @module
 */

/** `full`: no space left · `busy`: another program holds it · `corrupt`: damaged · `newer`: of a later version */
export type StoreErrorKind =
  | "full"
  | "busy"
  | "corrupt"
  | "readonly"
  | "newer"
  | "cannot-open"
  | "other";

export class StoreError extends Error {
  override readonly name = "StoreError";

  constructor(readonly kind: StoreErrorKind, options: { detail: string; cause?: unknown }) {
    super(options.detail, { cause: options.cause });
  }
}

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html */
const KINDS: Readonly<Record<number, StoreErrorKind>> = {
  5: "busy",
  6: "busy",
  8: "readonly",
  10: "other",
  11: "corrupt",
  13: "full",
  14: "cannot-open",
  26: "corrupt",
};

/** What an error of SQLite means; `undefined` when it is not one of SQLite's. */
export function storeErrorKind(error: unknown): StoreErrorKind | undefined {
  if (error instanceof StoreError) return error.kind;
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return KINDS[Number(error.errcode) & 0xff] ?? "other";
}
