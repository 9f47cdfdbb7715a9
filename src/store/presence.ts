/**
 * Whether the database still lies where it was opened. A file that is deleted or replaced under a running agent
 * lives on as long as the agent has it open, so nothing is lost as long as the agent notices: it copies what it has
 * to a file beside, ends its work, and puts that file in the place of whatever lies there now.
 *
 *     clockblock.db ─╳   (deleted; the agent goes on writing to it)
 *     clockblock.db.rescued   ─────►  clockblock.db
 * @module
 */
import { backup } from "node:sqlite";
import { type Clock, every, instantOf, logger, msOf, type Warnings } from "../core/mod.ts";
import { isFile, removeIfThere } from "./files.ts";
import { repairOf } from "./open.ts";
import { fileFailure } from "./place.ts";
import { finishRescue, noteRepair, rescuedPath } from "./repair.ts";
import type { Store } from "./store.ts";
import { StoreError } from "./store_error.ts";

export interface PresenceOptions {
  signal: AbortSignal;
  warnings: Warnings;
  clock: Clock;
  /** What the agent has is safe, and the agent is to end and begin again. */
  onDisplaced: () => void;
}

const LOOK_MS = 2_000;
/** Whoever takes it away again and again, or a disk that numbers files anew, is not to keep the agent from its work. */
const AGAIN_AFTER_MS = 10 * 60_000;
const WARNING = "database-displaced";

const WHAT = {
  database: "The database was deleted or replaced while the agent ran",
  log: "The database's log was deleted while the agent ran",
};

/** Looks until the signal aborts, or until the database has to be put back. */
export async function watchPresence(store: Store, options: PresenceOptions): Promise<void> {
  const { warnings, clock, onDisplaced } = options;
  await every(LOOK_MS, async () => {
    const displaced = store.displaced();
    if (displaced === undefined) return warnings.clear(WARNING);
    const what = WHAT[displaced];
    const last = repairOf(store);
    if (last?.kept === "whole" && Math.abs(clock.now() - msOf(last.at)) < AGAIN_AFTER_MS) {
      const later =
        "It was put back a short while ago, so this is done in some minutes, or when the agent stops";
      warnings.raise(WARNING, `${what}, and not for the first time. ${later}.`);
      return;
    }
    try {
      // Whether this can be done is found out before anything ends: until then nothing is lost.
      if (displaced === "database") await rescue(store);
    } catch (error) {
      const reason = fileFailure(rescuedPath(store.path), error)?.message ?? String(error);
      warnings.raise(
        WARNING,
        `${what}. Nothing is lost as long as the agent runs, but it cannot be put back: ${reason} It is tried again.`,
      );
      return;
    }
    warnings.raise(WARNING, `${what}. It is being put back.`);
    onDisplaced();
  }, { ...options, name: "presence", later: true });
}

/**
 * Puts a displaced database back, once nobody writes any more and before the store closes. What lies in its place is
 * moved aside. Does nothing when the database is where it was.
 */
export async function putBack(
  store: Store,
  { clock, warnings }: Pick<PresenceOptions, "clock" | "warnings">,
): Promise<void> {
  const { path } = store;
  const displaced = store.displaced();
  if (displaced === undefined) return removeIfThere(rescuedPath(path));
  const what = WHAT[displaced];
  // A log that is gone is moved into the database when the connection closes, as at any other time.
  if (displaced === "database") await rescueAtLast(store, what);
  const at = instantOf(clock.now());
  const movedTo = finishRescue(path, clock.now());
  const aside = movedTo ? `. What lay in its place is kept as ${movedTo}` : "";
  noteRepair(path, { damage: `${what}. It was put back whole${aside}`, kept: "whole", at });
  warnings.clear(WARNING);
}

/** The last chance: where it fails, the copy that was made when the loss was noticed has almost everything. */
async function rescueAtLast(store: Store, what: string): Promise<void> {
  try {
    await rescue(store);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!isThere(rescuedPath(store.path))) {
      const lost = "What was recorded in it since is lost";
      throw new StoreError("io", `${what}, and it cannot be put back: ${reason}. ${lost}.`, {
        cause: error,
      });
    }
    logger("store").error("Cannot copy the database once more: {reason}", { reason });
  }
}

function isThere(path: string): boolean {
  try {
    return isFile(path);
  } catch {
    return false;
  }
}

/** Copies what the connection has to a file of its own, which gets its name once it is complete. */
async function rescue({ db, path }: Store): Promise<void> {
  const part = `${rescuedPath(path)}.part`;
  removeIfThere(part);
  await backup(db, part);
  using file = Deno.openSync(part, { read: true, write: true });
  file.syncSync();
  Deno.renameSync(part, rescuedPath(path));
}
