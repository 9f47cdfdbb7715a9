/**
 * Notices that the database was deleted, replaced or written over while the agent runs. The agent then restarts on what
 * lies there, or on the newest backup. Nothing is put back; the rows of a deleted or replaced database are kept in a
 * file beside it, and a file that was written over is not written to any more.
 * @module
 */
import { backup } from "node:sqlite";
import { type Clock, errorMessage, every, logger, type Warnings } from "../../core/mod.ts";
import type { Displacement } from "./database_file.ts";
import { removeIfThere } from "../files.ts";
import { keepDeleted } from "./aside.ts";
import { writeJournal } from "./journal.ts";
import { setOverwrittenAside } from "./repair.ts";
import type { Store } from "../store.ts";

/** When the agent last restarted because of a displacement: `clock.monotonic()`. Outlives the agent. */
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
  /** Called when the agent has to restart. */
  onDisplaced: () => void;
}

const INTERVAL_MS = 2_000;
/** Minimum time between two restarts: a program that keeps deleting it, or a disk whose inodes change, must not stop the
 * agent. */
const RESTART_AFTER_MS = 10 * 60_000;
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

  /** Checks until the signal aborts, or until the agent has to restart. */
  async watch({ signal, onDisplaced }: WatchOptions): Promise<void> {
    const options = { signal, clock: this.#clock, name: "database file", later: true };
    await every(INTERVAL_MS, () => this.#check(onDisplaced), options);
  }

  #check(onDisplaced: () => void): Promise<void> {
    const displaced = this.#store.file.displaced();
    if (displaced !== undefined) this.#report(WHAT[displaced], onDisplaced);
    return Promise.resolve();
  }

  #report(what: string, onDisplaced: () => void): void {
    this.#store.unsound = what;
    const now = this.#clock.monotonic();
    if (now - this.#displacements.lastMs < RESTART_AFTER_MS) {
      this.#warnings.raise(WARNING, `${what}, again. The agent restarts in some minutes.`);
      return;
    }
    this.#displacements.lastMs = now;
    this.#warnings.raise(
      WARNING,
      `${what}. The agent restarts on what lies there, or on the newest backup.`,
    );
    onDisplaced();
  }

  /** Called after the last write and before the store closes: keeps the rows of a displaced database. */
  async leave(): Promise<void> {
    const { path, file } = this.#store;
    const displaced = file.displaced();
    // A WAL without a name is checkpointed when the connection closes, as at any other time.
    if (displaced === undefined || displaced === "log") return;
    const what = WHAT[displaced];
    try {
      const kept = displaced === "gone" ? await this.#keep() : this.#stepAside();
      writeJournal(path, { step: "displaced", finding: `${what}; ${kept}` });
    } catch (error) {
      const reason = errorMessage(error);
      logger("store").error("{what}, and what it held cannot be kept: {reason}", { what, reason });
    }
  }

  async #keep(): Promise<string> {
    const { path, file, db } = this.#store;
    const kept = await keepDeleted(path, {
      now: this.#clock.now(),
      copy: (to) => backup(db, to, { rate: 0x7fff_ffff }),
    });
    // It would be taken for the WAL of the file that lies there now. All of it is in the copy.
    file.log().forEach(removeIfThere);
    return `what it held is kept as ${kept}`;
  }

  #stepAside(): string {
    setOverwrittenAside(this.#store.path);
    return "what was not yet moved into it from its log is kept beside it";
  }
}
