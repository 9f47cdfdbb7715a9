/**
 * One poll of the process list, which ends in time even if the list hangs.
 * @module
 */
import type { Clock } from "../../../core/mod.ts";
import type { Process, ProcessLister } from "./mod.ts";

export interface LookOptions {
  find: (processes: readonly Process[]) => Process | undefined;
  clock: Clock;
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * The game's process, or null when it does not run.
 * @throws when that cannot be known: the list failed, made no sense, or did not come in time
 */
export async function lookForGame(
  list: ProcessLister,
  { find, clock, timeoutMs, signal }: LookOptions,
): Promise<Process | null> {
  signal.throwIfAborted();
  // Not AbortSignal.any: it would leave an entry on the long-lived signal at each poll.
  const stop = new AbortController();
  const stopped = Promise.withResolvers<never>();
  stop.signal.addEventListener("abort", () => stopped.reject(stop.signal.reason), { once: true });
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = new AbortController();
  void clock.wait(timeoutMs, { signal: timer.signal }).then(() => {
    if (!timer.signal.aborted) stop.abort(new Error(`no answer within ${timeoutMs / 1000} s`));
  });
  try {
    return find(await Promise.race([list({ signal: stop.signal }), stopped.promise])) ?? null;
  } finally {
    timer.abort();
    signal.removeEventListener("abort", onAbort);
  }
}
