/**
 * The store: one SQLite database, read directly and written through the commit queue.
 * @module
 */
import { type Clock, instantOf, type Migration, systemClock } from "../core/mod.ts";
import { CommitQueue, type WriteOptions } from "./commit_queue.ts";
import { connect, type Database } from "./database.ts";
import { migrate } from "./migrations.ts";

export interface StoreOptions {
  migrations: readonly Migration[];
  clock?: Clock;
}

export class Store {
  /** For reading, in short statements: whatever takes longer than 10 ms goes in slices. */
  readonly db: Database;
  readonly path: string;
  readonly #queue: CommitQueue;
  readonly #closing = new AbortController();

  constructor(path: string, { migrations, clock = systemClock }: StoreOptions) {
    this.path = path;
    this.db = connect(path);
    migrate(this.db, migrations, instantOf(clock.now()));
    this.#queue = new CommitQueue(this.db);
  }

  /** The only way to write: see {@link CommitQueue.write}. */
  write<T>(work: () => T, options?: WriteOptions): Promise<T> {
    return this.#queue.write(work, options);
  }

  /** For what is kept in memory beside the database: see {@link CommitQueue.afterCommit}. */
  afterCommit(then: () => void): void {
    this.#queue.afterCommit(then);
  }

  /** Aborts when the store closes: whoever reads by a connection of its own ends then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** A remembered value, such as the device id. */
  meta(key: string): string | undefined {
    const row = this.db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row && String(row.value);
  }

  /** Remembers a value; called inside `write`. */
  setMeta(key: string, value: string): void {
    this.db.prepare(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ).run(key, value);
  }

  /** Commits what waits and closes the file. */
  close(): void {
    this.#closing.abort();
    this.#queue.close();
    this.db.close();
  }
}
