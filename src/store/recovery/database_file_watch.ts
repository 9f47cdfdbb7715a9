/**
 * Notices that the database was deleted, replaced or written over while the agent runs. The agent then ends and begins
 * again on what lies there, or on the newest backup. Nothing is put back; what a deleted or replaced database held is
 * kept as a file beside, and what was written over is not written to any more.
 * @module
 */
import { backup } from "node:sqlite";
import { type Clock, every, logger, type Warnings } from "../../core/mod.ts";
import type { Displacement } from "./database_file.ts";
import { removeIfThere } from "../files.ts";
import { keepDeleted } from "./aside.ts";
import { writeJournal } from "./journal.ts";
import { setOverwrittenAside } from "./repair.ts";
import type { Store } from "../store.ts";

/** When the agent last began again because of a displacement: `clock.monotonic()`. Outlives the agent. */
export interface Displacements {
  lastMs: number;
}

export interface DatabaseFileWatchOptions {
  warnings: Warnings;
  clock: Clock;
  displacements?: Displacements | undefined;
}

export interface WatchOptions {
  signal: AbortSignal;
  /** The agent is to end and begin again. */
  onDisplaced: () => void;
}

const INTERVAL_MS = 2_000;
/** A program that deletes it again and again, or a disk that numbers files anew, must not keep the agent from its work. */
const AGAIN_AFTER_MS = 10 * 60_000;
const WARNING = "database-displaced";

const WHAT: Readonly<Record<Displacement, string>> = {
  gone: "The database was deleted or replaced while the agent ran",
  overwritten: "Another file was copied over the database while the agent ran",
  log: "The database's log was deleted while the agent ran",
};

export class DatabaseFileWatch {
  readonly #store: Store;
  readonly #warnings: Warnings;
  readonly #clock: Clock;
  readonly #displacements: Displacements;

  constructor(
    store: Store,
    { warnings, clock, displacements = { lastMs: -Infinity } }: DatabaseFileWatchOptions,
  ) {
    this.#store = store;
    this.#warnings = warnings;
    this.#clock = clock;
    this.#displacements = displacements;
  }

  /** Looks until the signal aborts, or until the agent has to begin again. */
  async watch({ signal, onDisplaced }: WatchOptions): Promise<void> {
    const options = { signal, clock: this.#clock, name: "database file", later: true };
    await every(INTERVAL_MS, () => this.#look(onDisplaced), options);
  }

  #look(onDisplaced: () => void): Promise<void> {
    const displaced = this.#store.file.displaced();
    if (displaced !== undefined) this.#tell(WHAT[displaced], onDisplaced);
    return Promise.resolve();
  }

  #tell(what: string, onDisplaced: () => void): void {
    this.#store.condemn(what);
    const now = this.#clock.monotonic();
    if (now - this.#displacements.lastMs < AGAIN_AFTER_MS) {
      this.#warnings.raise(WARNING, `${what}, again. The agent begins again in some minutes.`);
      return;
    }
    this.#displacements.lastMs = now;
    this.#warnings.raise(
      WARNING,
      `${what}. The agent begins again on what lies there, or on the newest backup.`,
    );
    onDisplaced();
  }

  /** Once nobody writes any more and before the store closes: keeps what it has. Nothing when all is as it should be. */
  async leave(): Promise<void> {
    const { path, file } = this.#store;
    const displaced = file.displaced();
    // A log that is gone is moved into the database when the connection closes, as at any other time.
    if (displaced === undefined || displaced === "log") return;
    const what = WHAT[displaced];
    try {
      const kept = displaced === "gone" ? await this.#keep() : this.#stepAside();
      writeJournal(path, { step: "displaced", finding: `${what}; ${kept}` });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger("store").error("{what}, and what it held cannot be kept: {reason}", { what, reason });
    }
  }

  async #keep(): Promise<string> {
    const { path, file, db } = this.#store;
    const kept = await keepDeleted(path, {
      now: this.#clock.now(),
      copy: (to) => backup(db, to, { rate: 0x7fff_ffff }),
    });
    // It would be taken for that of the file that lies there now. All of it is in the copy.
    file.log().forEach(removeIfThere);
    return `what it held is kept as ${kept}`;
  }

  #stepAside(): string {
    setOverwrittenAside(this.#store.path);
    return "what was not yet moved into it from its log is kept beside it";
  }
}
