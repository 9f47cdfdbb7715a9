/**
 * How long to wait after a failure: 1, 2, 4, 8 … s up to 5 minutes, of which a random part is taken, so that
 * a fleet that failed together does not return together. It never says to give up.
 * @module
 */

const FIRST_MS = 1_000;
const CAP_MS = 5 * 60_000;
/** A server that asks for more than this is asked again all the same: headers have typing errors too. */
const RETRY_AFTER_CAP_MS = 60 * 60_000;

export interface BackoffOptions {
  /** What the cloud asked for: the wait is never shorter (up to an hour). */
  retryAfterMs?: number | undefined;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * The wait in milliseconds after `failures` failures in a row.
 *
 *     failures   1    2    3    4  …  9      10     10 000
 *     at most    1 s  2 s  4 s  8 s … 256 s  300 s  300 s
 */
export function backoffMs(failures: number, options: BackoffOptions = {}): number {
  const { retryAfterMs, random = Math.random } = options;
  const doublings = Math.min(Math.max(0, failures - 1), 30);
  const wait = random() * Math.min(CAP_MS, FIRST_MS * 2 ** doublings);
  const floor = retryAfterFloorMs(retryAfterMs);
  // Up to a tenth later: everybody was told the same time.
  return Math.round(wait >= floor ? wait : floor * (1 + 0.1 * random()));
}

/** The part of a wait that a `Retry-After` forbids to cut short. */
export function retryAfterFloorMs(retryAfterMs: number | undefined): number {
  return Math.min(RETRY_AFTER_CAP_MS, Math.max(0, retryAfterMs ?? 0));
}

/** An interval made up to a tenth shorter or longer. */
export function jitteredMs(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (0.9 + 0.2 * random()));
}
