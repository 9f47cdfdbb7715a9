/**
 * The store: one SQLite database, read directly and written through the commit queue.
 * @module
 */
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
import { connect, type Database, type OpenDatabase, type Statement } from "./database.ts";
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

/** How long nothing may have failed before the disk counts as well again: small writes succeed in between. */
const WELL_AGAIN_MS = 10_000;

export class Store implements OpenDatabase {
  /** For reading, in short statements: whatever takes longer than 10 ms goes in slices. */
  readonly db: Database;
  readonly path: string;
  /** Rings when an error makes the database look damaged; `maintain` then checks it. */
  readonly suspicion: Notifier = new Notifier();
  readonly rejected: Rejected;
  readonly checkpointer: Checkpointer;
  /** The file itself, seen beside SQLite. */
  readonly file: DatabaseFile;
  readonly #queue: CommitQueue;
  readonly #clock: Clock;
  readonly #warnings: Warnings;
  readonly #lock: Lock | undefined;
  readonly #closing = new AbortController();
  readonly #meta: { get: Statement; set: Statement };
  #suspected = false;
  #onWork: () => void = () => {};
  #unsound: string | undefined;
  #disk: { failure: StoreErrorKind; at: number } | undefined;

  /** Opens a sound database; whether it is one, and whose, `openStore` finds out. */
  constructor(path: string, options: StoreOptions) {
    const { migrations, clock = systemClock, warnings = new Warnings({ clock }) } = options;
    this.path = path;
    this.#clock = clock;
    this.#warnings = warnings;
    this.#lock = options.lock;
    this.db = connect(path);
    try {
      migrate(this.db, migrations, instantOf(clock.now()));
      // From here on a lock of another program is waited for by the commit queue, not by the event loop.
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

  /** Who is told of every write that begins: whoever measures what it costs. */
  onWork(listener: () => void): void {
    this.#onWork = listener;
  }

  /** For what is kept in memory beside the database: see {@link CommitQueue.afterCommit}. */
  afterCommit(then: () => void): void {
    this.#queue.afterCommit(then);
  }

  /** Whether the disk was too full for a write within the last seconds. */
  get full(): boolean {
    return this.#disk?.failure === "full";
  }

  /**
   * To be told of errors of reading: when one says that the database is damaged, it is checked in the
   * background, and repaired by a restart where that is so.
   */
  noticed(error: unknown): void {
    if (storeErrorKind(error) !== "corrupt") return;
    logger("store").error("The database looks damaged and is being checked: {error}", { error });
    this.#suspected = true;
    this.suspicion.notify();
  }

  /** Whether an error has made the database look damaged since it was last found sound. */
  get suspected(): boolean {
    return this.#suspected;
  }

  /** Every page of the database has been read and found sound. */
  foundSound(): void {
    this.#suspected = false;
  }

  /** Why the agent is to begin again on another database; undefined while this one is sound. */
  get unsound(): string | undefined {
    return this.#unsound;
  }

  /** The database cannot be relied on any more. */
  condemn(why: string): void {
    this.#unsound = why;
  }

  /** Says where the agent's API listens, for those who find the database held. */
  announce(url: string): void {
    this.#lock?.announce(url);
  }

  /** Aborts when the store closes: whoever reads by a connection of its own ends then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A remembered value, such as the device id. */
  meta(key: string): string | undefined {
    const row = this.#meta.get.get(key);
    return row && String(row.value);
  }

  /** Remembers a value; called inside `write`. */
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
    if (!this.#disk || this.#clock.monotonic() - this.#disk.at < WELL_AGAIN_MS) return;
    this.#disk = undefined;
    this.#warnings.clear("disk");
  }
}

/**
 * A header that asks for a file format of the future makes SQLite open the file for reading only. That the file
 * may be written is known by now, so it is the header that is damaged.
 */
function refuseReadOnly(db: Database): void {
  try {
    // Changes no row, so writes no page, but is refused all the same (BEGIN IMMEDIATE would not be).
    db.prepare("DELETE FROM meta WHERE key = ''").run();
  } catch (error) {
    const kind = storeErrorKind(error);
    if (kind === "readonly") throw new StoreError("corrupt", "its header asks for reading only");
    // Another program's lock is waited for by the commit queue.
    if (kind !== "busy") throw error;
  }
}

/** Gives the database its id, unless it has one: see header.ts. A backup that took its place has that of a backup. */
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
