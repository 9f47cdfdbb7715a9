/**
 * One poll of the process list, which ends in time even if the list hangs.
 * @module
 */
import { type Clock, Deadline } from "../../../core/mod.ts";
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
  using deadline = new Deadline({ ms: timeoutMs, signal, clock });
  return find(await deadline.limit(list({ signal: deadline.signal }))) ?? null;
}
