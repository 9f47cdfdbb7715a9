/**
 * Long work in short pieces, so that the event loop is never held for more than a few milliseconds.
 * @module
 */
import type { Budget } from "../core/mod.ts";

/** How long a slice may hold the event loop; a step begun within it may end after it. */
const SLICE_MS = 4;

export interface SliceOptions {
  /** Ends the work between two slices. */
  signal?: AbortSignal;
  /** How long the event loop has for others between two slices. */
  pauseMs?: number;
}

/** Calls `step` until it returns false: it works while `budget.left()`, then others have their turn. */
export async function inSlices(
  step: (budget: Budget) => boolean,
  { signal, pauseMs = 0 }: SliceOptions = {},
): Promise<void> {
  while (!signal?.aborted && step(sliceBudget())) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The budget of one slice, which begins now. */
export function sliceBudget(): Budget {
  const end = performance.now() + SLICE_MS;
  return { left: () => performance.now() < end };
}
