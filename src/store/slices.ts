/** Long work in slices, none of which holds the event loop for more than a few ms. @module */
import { setImmediate } from "node:timers";
import type { Budget } from "../core/mod.ts";

/** How long a slice may hold the event loop; a step begun within it may end after it. */
const SLICE_MS = 4;

export interface SliceOptions {
  /** Ends the work between two slices. */
  signal?: AbortSignal;
  /** Pause between two slices. */
  pauseMs?: number;
}

/** Calls `step` until it returns false: it works while `budget.left()`, then the event loop goes on. */
export async function inSlices(
  step: (budget: Budget) => boolean,
  { signal, pauseMs = 0 }: SliceOptions = {},
): Promise<void> {
  while (!signal?.aborted && step(sliceBudget())) {
    // A timer even for no pause: it leaves the rest of the agent a third of the time.
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** The budget of one slice, which begins now. */
export function sliceBudget(ms = SLICE_MS): Budget {
  const end = performance.now() + ms;
  return { left: () => performance.now() < end };
}

/**
 * The runtime polls its sockets only every 61st turn while something is ready to run, which an immediate always
 * is: a loop of slices and immediates starves every request (measured: 100 slices of 4 ms, one answer).
 */
const TURNS_TO_IO = 64;

/** Calls back after the sockets were polled: in 0.2 ms, where a timer of 0 takes more than 2. */
export function afterIo(then: () => void, turns = TURNS_TO_IO): void {
  setImmediate(() => turns > 1 ? afterIo(then, turns - 1) : then());
}
