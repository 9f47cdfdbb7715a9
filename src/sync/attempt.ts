/**
 * One call to a remote with a hard end: a remote that hangs or forgets its signal does not hold the lane.
 * @module
 */
import { type Clock, RemoteError } from "../core/mod.ts";

export interface AttemptOptions {
  clock: Clock;
  /** After this the call has failed, whatever becomes of it. */
  timeoutMs: number;
  /** The agent stops: the call has `graceMs` left to end. */
  stop: AbortSignal;
  graceMs: number;
}

/** Calls `work` with a signal of its own; rejects with `timeout` when its time is up. */
export async function attempt<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { clock, timeoutMs, stop, graceMs }: AttemptOptions,
): Promise<T> {
  const over = new AbortController();
  const limit = new AbortController();
  const abortAfter = async (ms: number, reason: RemoteError) => {
    await clock.wait(ms, { signal: over.signal });
    if (!over.signal.aborted) limit.abort(reason);
  };
  const onStop = () =>
    void abortAfter(graceMs, new RemoteError("Cannot end a call: the agent stops"));
  const aborted = new Promise<never>((_, reject) => {
    limit.signal.addEventListener("abort", () => reject(limit.signal.reason), { once: true });
  });

  void abortAfter(
    timeoutMs,
    new RemoteError(`Cannot wait longer for an answer: none in ${timeoutMs / 1_000} s`, {
      code: "timeout",
    }),
  );
  if (stop.aborted) onStop();
  else stop.addEventListener("abort", onStop, { once: true });
  try {
    // `aborted` listens first, so it comes before what the remote makes of its signal, in words of its own.
    return await Promise.race([work(limit.signal), aborted]);
  } finally {
    over.abort();
    stop.removeEventListener("abort", onStop);
  }
}
