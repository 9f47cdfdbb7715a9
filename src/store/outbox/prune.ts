/** Runs the streams' retention, then gives free pages back to the disk, both in slices. @module */
import { type Clock, instantOf, logger, type Stream } from "../../core/mod.ts";
import { sliceBudget } from "../slices.ts";
import type { Store } from "../store.ts";

export interface PruneOptions {
  streams: readonly Pick<Stream, "name" | "prune">[];
  clock: Clock;
  signal: AbortSignal;
}

/** Time that a slice deletes for. Its commit takes longer: each row is in several indexes. */
const SLICE_MS = 2;
/** Pause between two slices. */
const PAUSE_MS = 20;

/** Pages freed in one write: about 1 ms. */
const PAGES_PER_STEP = 64;
/** Free pages are reused by the next rows: only what exceeds this share of the file, and this number, is given back. */
const FREE_SHARE = 0.25;
const FREE_PAGES = 1_000;

/** Asks each stream to prune until it has nothing left to delete. One that fails does not stop the others. */
export async function prune(
  store: Store,
  { streams, clock, signal }: PruneOptions,
): Promise<void> {
  for (const stream of streams) {
    let deleted = 0;
    try {
      while (stream.prune && !signal.aborted) {
        const now = instantOf(clock.now());
        const result = await store.write(() => stream.prune!(now, sliceBudget(SLICE_MS)));
        deleted += result.deleted;
        if (!result.more) break;
        await pause();
      }
    } catch (error) {
      logger("store").error("Cannot prune {stream}: {error}", { stream: stream.name, error });
    }
    if (deleted > 0) {
      logger("store").info("Pruned {deleted} rows of {stream}", { deleted, stream: stream.name });
    }
  }
  await giveBackPages(store, { signal });
}

/** Makes the file smaller where much of it is free. */
export async function giveBackPages(
  store: Store,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const { db } = store;
  const free = db.prepare("PRAGMA freelist_count");
  const freePages = () => Number(free.get()?.freelist_count);
  const pages = Number(db.prepare("PRAGMA page_count").get()?.page_count);
  if (freePages() <= Math.max(FREE_PAGES, FREE_SHARE * pages)) return;
  const step = db.prepare(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`);
  while (freePages() > FREE_PAGES && !signal.aborted) {
    // `all`, because only reading it to its end frees every page that was asked for.
    await store.write(() => step.all());
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
