/** The second seam: what a folder under `remotes/` gives. It never sees the database. @module */
import type { Id } from "./ids.ts";
import type { Cursor, OutboxBatch, Page, Rejection, Row } from "./stream.ts";
import type { Verdict } from "./verdict.ts";

/** What the cloud said of a batch. Rows in neither list stay where they are and are sent again. */
export interface PushResult {
  accepted: readonly Id[];
  rejected: readonly (Rejection & { retryable?: boolean })[];
  /** Rows of the cloud's own that it kept in the place of ours, which are in neither list: another wrote later. */
  kept?: readonly Row[];
}

/** A place to push to and, for some, to pull from. */
export interface Remote {
  /** Who it is in messages: `endpoint https://example.com`. Never with a secret in it. */
  readonly name: string;
  /** What every call throws, where this process may not reach it at all. */
  readonly forbidden?: RemoteError;
  /**
   * Pushes a batch; by its rows' ids, the same batch twice is the same as once.
   * @throws {RemoteError} when the batch as a whole was not accepted
   */
  push(batch: OutboxBatch, options: { signal: AbortSignal }): Promise<PushResult>;
  /**
   * One page of a table's rows after the cursor, this system's rows only.
   * @param options `rows`: the maximum of the page
   * @throws {RemoteError} with the verdict `split` when fewer rows may pass
   */
  pull?(
    table: string,
    cursor: Cursor | null,
    options: { rows?: number; signal: AbortSignal },
  ): Promise<Page>;
  /** A doorbell: calls back when one of the tables may have changed, until the signal aborts. Rows come by `pull`. */
  watch?(
    tables: readonly string[],
    onChange: (table: string) => void,
    options: { signal: AbortSignal },
  ): Promise<void>;
  /** Whether the remote can be reached at all, and its clock: cheap, without credentials being judged. */
  probe(options: { signal: AbortSignal }): Promise<Probe>;
  /** Makes the credentials fresh after a 401; false when a person has to sign in again. */
  refresh?(options: { signal: AbortSignal }): Promise<boolean>;
  /** Forgets what was learned of the cloud from its refusals: it may have changed. */
  forget?(): void;
  /** Who the requests are made for, where people sign in; null before the first. */
  account?(): string | null;
}

export interface Probe {
  /** The remote's clock less this machine's, in milliseconds; null when it did not say. */
  clockOffsetMs: number | null;
}

export interface RemoteErrorOptions {
  /** HTTP status; absent when no answer came. */
  status?: number | undefined;
  /** The cloud's own code: an SQLSTATE, `PGRST301`; or `timeout` when the answer did not come in time. */
  code?: string | undefined;
  /** What the cloud asked for in `Retry-After`. */
  retryAfterMs?: number | undefined;
  /** The cloud's own words. They may quote a row: they are kept with it, never logged or shown in a status. */
  detail?: string | undefined;
  /** What it means for the lane, where the remote knows more than the HTTP status says. */
  verdict?: Verdict | undefined;
  cause?: unknown;
}

/** Facts of a failed call, and what they mean where the remote knows: `sync/errors` decides the rest by the status. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly detail: string | undefined;
  readonly verdict: Verdict | undefined;

  /** @param message `Cannot push 40 heartbeats to "endpoint": status 401`; never a token or a row's content */
  constructor(message: string, options: RemoteErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
    this.detail = options.detail;
    this.verdict = options.verdict;
  }
}
