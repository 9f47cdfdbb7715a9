/**
 * What a failed call to a remote means for the lane. A remote that knows its cloud's codes gives the verdict with its
 * error; otherwise the engine goes by the HTTP status.
 * @module
 */

/**
 * What the lane does:
 * - `retry`: sends the same again, with backoff
 * - `split`: sends the same in smaller parts
 * - `sign-in`: refreshes the credentials, once; after that a person has to sign in
 * - `pause`: waits for a person; asks again every few minutes, no row is blamed
 * - `bisect`: one row is the cause: finds it, sets it aside with its reason, lets the others pass
 * - `duplicate`: the cloud has the row already: settles it when the answer is to this row alone
 */
export type Action = "retry" | "split" | "sign-in" | "pause" | "bisect" | "duplicate";

export interface Verdict {
  action: Action;
  /**
   * What becomes of a row that gets this answer alone. `wait`: it stays and the lane tries again later; `hold`: it
   * stays and the others pass; `later`: the same, but a limited number of times, then it is rejected (its parent may
   * still be on the way); `settle`: it is done, if the remote accepts others.
   */
  alone: "wait" | "hold" | "later" | "reject" | "settle";
  /** What a person can do, for `pause`. */
  advice?: string;
}

/** The verdicts that do not depend on what a person has to do. */
export const VERDICTS = {
  retry: { action: "retry", alone: "wait" },
  signIn: { action: "sign-in", alone: "wait" },
  bisect: { action: "bisect", alone: "reject" },
  /** The parent of a row has not arrived. */
  orphan: { action: "bisect", alone: "later" },
  duplicate: { action: "duplicate", alone: "settle" },
  /** A row that is too large alone never passes. */
  tooLarge: { action: "split", alone: "reject" },
  /** Fewer rows have a shorter answer. */
  tooLong: { action: "split", alone: "hold" },
  /** Fewer rows may pass; a single row may pass another time. */
  tooSlow: { action: "split", alone: "wait" },
} as const satisfies Record<string, Verdict>;

/** Waits for a person, who is given this advice. */
export function pause(advice: string): Verdict {
  return { action: "pause", alone: "wait", advice };
}
