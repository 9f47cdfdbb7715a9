/**
 * What follows when a database was repaired, before anything new is recorded in it: what can still be read of the
 * damaged one is brought back, and the streams draw their conclusions.
 * @module
 */
import { type Clock, logger, type Warnings } from "./core/mod.ts";
import {
  finishRepair,
  type Join,
  repairOf,
  salvage,
  type Salvaged,
  type Store,
  storeErrorKind,
  warnOfRepair,
} from "./store/mod.ts";
import { STREAMS, type StreamsConfig } from "./streams/mod.ts";

export interface MendOptions {
  config: StreamsConfig;
  clock: Clock;
  warnings: Warnings;
  /** Ends it between two slices; the next start goes on. */
  signal?: AbortSignal | undefined;
}

/** What every stream says of its tables. */
const joins: readonly Join[] = STREAMS.flatMap((stream) => stream.joins);

/** Brings the last repair to its end; does nothing when it is at its end. */
export async function mend(
  store: Store,
  { config, clock, warnings, signal = store.closing }: MendOptions,
): Promise<void> {
  const repair = repairOf(store);
  if (!repair?.unfinished) return;
  const { movedTo } = repair;
  let salvaged: Partial<Salvaged> = {};
  try {
    if (movedTo !== undefined) salvaged = await salvage(store, movedTo, { joins, signal });
    for (const stream of STREAMS) await stream.correctSums?.(store, config, { clock, signal });
  } catch (error) {
    const kind = storeErrorKind(error);
    if (signal.aborted || (kind !== undefined && kind !== "other")) throw error;
    // What is read there may be anything: it must not keep the agent from starting, now and ever after.
    logger("agent").error("Cannot bring back all of the damaged database: {error}", { error });
  }
  await store.write(() => {
    for (const stream of STREAMS) stream.endRepair?.(store);
    finishRepair(store, { ...repair, ...salvaged });
  }, { durable: true });
  warnOfRepair(store, { warnings, now: clock.now() });
}
