/**
 * A copy of a database whose files were displaced, made while it is written to. The file of the database itself does
 * not change as long as nobody moves the log into it, so it is copied once; what came since lies in the log, which is
 * copied anew before the agent ends.
 *
 *     database  ──────copy──────►  clockblock.db.rescued
 *     log       ─copy─►     ─copy─►  clockblock.db.rescued-wal
 * @module
 */
import { discardLarge, isFile, removeIfThere } from "./files.ts";
import type { LogId } from "./live_files.ts";
import { rescuedPath, rescueParts } from "./repair.ts";
import type { Store } from "./store.ts";

/** How often a copy is begun again because the log was moved meanwhile, by one who had begun to before. */
const TRIES = 5;

export class Rescue {
  readonly #store: Store;
  /** The log beside which the database was copied: with a later one the copy has no meaning. */
  #log: LogId | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when all that is committed by now is safe. */
  async make(): Promise<void> {
    const { checkpointer, path } = this.#store;
    const rest = await checkpointer.rest();
    try {
      for (let tries = 1; !await this.#copied(); tries++) {
        if (tries === TRIES) throw new Error("its log is moved by another program");
      }
    } catch (error) {
      rest[Symbol.dispose]();
      // What it took may be all the room there is.
      for (const part of rescueParts(path)) await discardLarge(part);
      throw error;
    }
  }

  /** False when the log began anew meanwhile: then the copy has only half of what it held before. */
  async #copied(): Promise<boolean> {
    const { files, path } = this.#store;
    const rescued = rescuedPath(path);
    const log = await files.logId();
    const whole = log !== this.#log || !isFile(rescued);
    if (whole) await files.copyDatabase(`${rescued}.part`);
    const complete = await files.copyLog(`${rescued}-wal.part`);
    if (await files.logId() !== log) return false;
    if (!complete) throw new Error("its log is shorter than it was");
    // At no moment do a database and a log lie there that do not belong to each other.
    if (whole) removeIfThere(rescued);
    Deno.renameSync(`${rescued}-wal.part`, `${rescued}-wal`);
    if (whole) Deno.renameSync(`${rescued}.part`, rescued);
    this.#log = log;
    return true;
  }
}
