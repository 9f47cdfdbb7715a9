/** The store: one SQLite database, read directly and written through the commit queue. @module */
import {
  type Clock,
  instantOf,
  logger,
  type Migration,
  Notifier,
  systemClock,
  Warnings,
} from "../core/mod.ts";
import { Checkpointer } from "./checkpointer.ts";
import { CommitQueue, type WriteOptions } from "./commit_queue.ts";
import { type Database, openConnection, type OpenDatabase, type Statement } from "./database.ts";
import { DatabaseFile } from "./recovery/database_file.ts";
import { APPLICATION_ID } from "./recovery/header.ts";
import type { Lock } from "./lock.ts";
import { LogSync } from "./log_sync.ts";
import { migrate } from "./migrations.ts";
import { Rejected } from "./outbox/rejected.ts";
import { StoreError, type StoreErrorKind, storeErrorKind } from "./store_error.ts";

export interface StoreOptions {
  migrations: readonly Migration[];
  clock?: Clock;
  warnings?: Warnings;
  /** Held until the store closes. */
  lock?: Lock;
}

/** Time without a failure after which the disk warning is cleared: small writes succeed in between. */
const DISK_OK_AFTER_MS = 10_000;

export class Store implements OpenDatabase {
  /** For reading, in short statements: what takes longer than 10 ms is done in slices. */
  readonly db: Database;
  readonly path: string;
  /** Rings when an error makes the database look damaged; `maintain` then checks it. */
  readonly suspicion: Notifier = new Notifier();
  readonly rejected: Rejected;
  readonly checkpointer: Checkpointer;
  /** The file on disk, watched past SQLite. */
  readonly file: DatabaseFile;
  /** Whether an error has made the database look damaged since it was last found sound. */
  suspected = false;
  /** Why the agent has to restart on another database; undefined while this one is sound. */
  unsound: string | undefined;
  readonly #queue: CommitQueue;
  readonly #clock: Clock;
  readonly #warnings: Warnings;
  readonly #lock: Lock | undefined;
  readonly #closing = new AbortController();
  readonly #meta: { get: Statement; set: Statement };
  #onWork: () => void = () => {};
  #disk: { failure: StoreErrorKind; at: number } | undefined;

  /** Opens a sound database; `openRecovered` finds out whether it is one, and whose. */
  constructor(path: string, options: StoreOptions) {
    const { migrations, clock = systemClock, warnings = new Warnings({ clock }) } = options;
    this.path = path;
    this.#clock = clock;
    this.#warnings = warnings;
    this.#lock = options.lock;
    this.db = openConnection(path);
    try {
      migrate(this.db, migrations, instantOf(clock.now()));
      // From here on the commit queue waits for another program's lock, not the event loop.
      this.db.exec("PRAGMA busy_timeout=5");
      refuseReadOnly(this.db);
      mark(this.db);
      this.#meta = {
        get: this.db.prepare("SELECT value FROM meta WHERE key = ?"),
        set: this.db.prepare(
          `INSERT INTO meta (key, value) VALUES (?, ?)
           ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        ),
      };
      this.rejected = new Rejected(this);
      this.checkpointer = new Checkpointer(this.db, path, {
        clock,
        closing: this.closing,
        displaced: () => this.file.displaced() !== undefined,
        pause: (until) => this.#queue.pause(until),
      });
      this.#queue = new CommitQueue(this.db, {
        log: LogSync.of(path),
        onCommitted: () => this.#committed(),
        onFailed: (error) => this.#failed(error),
      });
      this.file = new DatabaseFile(this.db, path);
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  /** The only way to write: see {@link CommitQueue.write}. */
  write<T>(work: () => T, options?: WriteOptions): Promise<T> {
    this.#onWork();
    return this.#queue.write(work, options);
  }

  /** Sets the listener that is called when a write begins. */
  onWork(listener: () => void): void {
    this.#onWork = listener;
  }

  /** For state in memory that follows the database: see {@link CommitQueue.afterCommit}. */
  afterCommit(then: () => void): void {
    this.#queue.afterCommit(then);
  }

  /** Whether the disk was too full for a write within the last seconds. */
  get full(): boolean {
    return this.#disk?.failure === "full";
  }

  /**
   * Takes an error of reading: when it says that the database is damaged, the database is checked in the background,
   * and repaired by a restart if it is.
   */
  noticed(error: unknown): void {
    if (storeErrorKind(error) !== "corrupt") return;
    logger("store").error("The database looks damaged and is being checked: {error}", { error });
    this.suspected = true;
    this.suspicion.notify();
  }

  /** Publishes the URL of the agent's API, for a second agent that finds the database locked. */
  announce(url: string): void {
    this.#lock?.announce(url);
  }

  /** Aborts when the store closes: readers with a connection of their own end then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A value of the table `meta`, such as the device id. */
  meta(key: string): string | undefined {
    const row = this.#meta.get.get(key);
    return row && String(row.value);
  }

  /** Stores a value in the table `meta`; called inside `write`. */
  setMeta(key: string, value: string): void {
    this.#meta.set.run(key, value);
  }

  /** Commits what waits and closes the file. */
  close(): void {
    this.#closing.abort();
    this.#queue.close();
    this.db.close();
    this.file[Symbol.dispose]();
    this.#lock?.release();
  }

  #failed(error: StoreError): void {
    this.noticed(error);
    if (error.kind !== "full" && error.kind !== "io") return;
    this.#disk = { failure: error.kind, at: this.#clock.monotonic() };
    this.#warnings.raise("disk", error.message);
  }

  #committed(): void {
    this.checkpointer.committed();
    if (!this.#disk || this.#clock.monotonic() - this.#disk.at < DISK_OK_AFTER_MS) return;
    this.#disk = undefined;
    this.#warnings.clear("disk");
  }
}

/**
 * A header that names a later file format makes SQLite open the file read-only. The file itself was found writable
 * before, so it is the header that is damaged.
 */
function refuseReadOnly(db: Database): void {
  try {
    // Changes no row, so writes no page, but is refused all the same (BEGIN IMMEDIATE would not be).
    db.prepare("DELETE FROM meta WHERE key = ''").run();
  } catch (error) {
    const kind = storeErrorKind(error);
    if (kind === "readonly") {
      throw new StoreError("corrupt", "its header says that it is read-only");
    }
    // The commit queue waits for another program's lock.
    if (kind !== "busy") throw error;
  }
}

/** Gives the database its id, unless it has one: see header.ts. A restored backup has the id of a backup. */
function mark(db: Database): void {
  const id = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  const application = Number(db.prepare("PRAGMA application_id").get()?.application_id);
  if (id < 0 && application === APPLICATION_ID) return;
  const made = -1 - (crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
  try {
    db.exec(
      `BEGIN IMMEDIATE; PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${made}; COMMIT`,
    );
    db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
  } catch (error) {
    // A full disk, or another program's lock: the next start does it.
    if (db.isTransaction) db.exec("ROLLBACK");
    if (storeErrorKind(error) === "corrupt") throw error;
    logger("store").info("The database gets no id: {error}", { error });
  }
}
