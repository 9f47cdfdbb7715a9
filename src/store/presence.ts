/**
 * Whether the database still lies where it was opened. A file that is deleted or replaced under a running agent
 * lives on as long as the agent has it open, so nothing is lost as long as the agent notices: it copies what it has
 * to files beside, ends its work, and puts those in the place of whatever lies there now.
 *
 *     clockblock.db ─╳   (deleted; the agent goes on writing to it)
 *     clockblock.db.rescued, -wal   ─────►  clockblock.db, -wal
 * @module
 */
import { type Clock, every, instantOf, logger, msOf, type Warnings } from "../core/mod.ts";
import { isFile } from "./files.ts";
import { repairOf } from "./open.ts";
import { fileFailure } from "./place.ts";
import { finishRescue, forgetRescue, noteRepair, rescuedPath } from "./repair.ts";
import { Rescue } from "./rescue.ts";
import type { Store } from "./store.ts";
import { StoreError } from "./store_error.ts";

export interface PresenceOptions {
  warnings: Warnings;
  clock: Clock;
}

export interface WatchOptions {
  signal: AbortSignal;
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

export class Presence {
  readonly #store: Store;
  readonly #warnings: Warnings;
  readonly #clock: Clock;
  readonly #rescue: Rescue;

  constructor(store: Store, { warnings, clock }: PresenceOptions) {
    this.#store = store;
    this.#warnings = warnings;
    this.#clock = clock;
    this.#rescue = new Rescue(store);
  }

  /** Looks until the signal aborts, or until the database has to be put back. */
  async watch({ signal, onDisplaced }: WatchOptions): Promise<void> {
    const options = { signal, clock: this.#clock, name: "presence", later: true };
    await every(LOOK_MS, () => this.#look(onDisplaced), options);
  }

  async #look(onDisplaced: () => void): Promise<void> {
    const store = this.#store;
    const displaced = store.files.displaced();
    if (displaced === undefined) return this.#warnings.clear(WARNING);
    const what = WHAT[displaced];
    const last = repairOf(store);
    if (last?.kept === "whole" && Math.abs(this.#clock.now() - msOf(last.at)) < AGAIN_AFTER_MS) {
      const later =
        "It was put back a short while ago, so this is done in some minutes, or when the agent stops";
      this.#warnings.raise(WARNING, `${what}, and not for the first time. ${later}.`);
      return;
    }
    try {
      // Whether this can be done is found out before anything ends: until then nothing is lost.
      if (displaced === "database") await this.#rescue.make();
    } catch (error) {
      const reason = fileFailure(rescuedPath(store.path), error)?.message ?? String(error);
      this.#warnings.raise(
        WARNING,
        `${what}. Nothing is lost as long as the agent runs, but it cannot be put back: ${reason} It is tried again.`,
      );
      return;
    }
    this.#warnings.raise(WARNING, `${what}. It is being put back.`);
    onDisplaced();
  }

  /**
   * Puts a displaced database back, once nobody writes any more and before the store closes. What lies in its place is
   * moved aside. Does nothing when the database is where it was.
   */
  async putBack(): Promise<void> {
    const { path, files } = this.#store;
    const displaced = files.displaced();
    if (displaced === undefined) return forgetRescue(path);
    const what = WHAT[displaced];
    // A log that is gone is moved into the database when the connection closes, as at any other time.
    if (displaced === "database") await this.#rescueAtLast(what);
    const at = instantOf(this.#clock.now());
    const movedTo = finishRescue(path, this.#clock.now());
    const aside = movedTo ? `. What lay in its place is kept as ${movedTo}` : "";
    noteRepair(path, { damage: `${what}. It was put back whole${aside}`, kept: "whole", at });
    this.#warnings.clear(WARNING);
  }

  /** The last chance: where it fails, the copy that was made when the loss was noticed has almost everything. */
  async #rescueAtLast(what: string): Promise<void> {
    try {
      await this.#rescue.make();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!isThere(rescuedPath(this.#store.path))) {
        const lost = "What was recorded in it since is lost";
        throw new StoreError("io", `${what}, and it cannot be put back: ${reason}. ${lost}.`, {
          cause: error,
        });
      }
      logger("store").error("Cannot copy the database once more: {reason}", { reason });
    }
  }
}

function isThere(path: string): boolean {
  try {
    return isFile(path);
  } catch {
    return false;
  }
}
