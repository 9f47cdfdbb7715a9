/** The only timer loop: a task on a fixed grid of times, until its signal aborts. @module */
import type { Notifier } from "./notifier.ts";
import { type Clock, systemClock } from "./clock.ts";
import { logger } from "../log.ts";

export interface EveryOptions {
  /** Ends the loop; a task that is running is awaited first. */
  signal: AbortSignal;
  /** Names the loop in the log when its task throws. */
  name: string;
  clock?: Clock;
  /** Runs the task early when notified. */
  wake?: Notifier;
  /** Whether the first run waits one interval (default: it runs at once). */
  later?: boolean;
  /** What to do with an error of the task (default: log it and go on). */
  onError?: (error: unknown) => void;
}

/**
 * Runs `task` at `start + n * interval`, never two at once. Ticks that pass while the task runs or the
 * machine sleeps are skipped, not replayed:
 *
 *     grid   |    |    |    |    |    |    |
 *     task   ##   ##   #######   ##   zzzzzzz##
 *
 * An interval given as a function is asked before every wait and starts a new grid when it changes.
 */
export async function every(
  interval: number | (() => number),
  task: () => void | Promise<void>,
  options: EveryOptions,
): Promise<void> {
  const { signal, name, clock = systemClock, wake, later = false } = options;
  const onError = options.onError ??
    ((error) => logger(name).error("{name} failed: {error}", { name, error }));
  const intervalMs = typeof interval === "function" ? interval : () => interval;

  let step = intervalMs();
  let due = clock.monotonic() + (later ? step : 0);
  while (!signal.aborted) {
    const early = await wokenEarly(due - clock.monotonic(), { signal, clock, wake });
    if (signal.aborted) return;
    wake?.reset();
    try {
      await task();
    } catch (error) {
      onError(error);
    }
    const now = clock.monotonic();
    if (intervalMs() !== step) {
      step = intervalMs();
      due = now + step;
    } else if (!early || now >= due) {
      // A timer may fire a fraction early: the tick it was set for is still the one that ran.
      due += step * (1 + Math.max(0, Math.floor((now - due) / step)));
    }
  }
}

/** Waits; true when the notifier ended the wait early. */
async function wokenEarly(
  ms: number,
  { signal, clock, wake }: { signal: AbortSignal; clock: Clock; wake: Notifier | undefined },
): Promise<boolean> {
  if (ms <= 0) return false;
  if (!wake) {
    await clock.wait(ms, { signal });
    return false;
  }
  const rung = new AbortController();
  void wake.notified().then(() => rung.abort());
  await clock.wait(ms, { signal: AbortSignal.any([signal, rung.signal]) });
  return rung.signal.aborted;
}
