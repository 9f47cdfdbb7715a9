/**
 * `fdatasync` of the write-ahead log, off the event loop, for commits that must survive a power cut.
 * `synchronous=FULL` makes SQLite do the same within the commit, where the event loop waits for the disk: 1 ms, or
 * 100 ms when other programs write much.
 *
 * The rest SQLite syncs by itself under NORMAL: the log's header when a log begins, and log and database before
 * what was moved into the database is overwritten. https://www.sqlite.org/pragma.html#pragma_synchronous
 * @module
 */
import { logger } from "../core/mod.ts";

export class LogSync {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** The log of an open database; undefined where there is none, as for `:memory:`. */
  static of(databasePath: string): LogSync | undefined {
    if (databasePath === ":memory:") return undefined;
    try {
      // Windows only flushes a file that may be written. SQLite's own locks lie on other files, so that closing
      // this one drops none of them.
      return new LogSync(Deno.openSync(`${databasePath}-wal`, { read: true, write: true }));
    } catch (error) {
      logger("store").info("Durable commits hold the event loop: {error}", { error });
      return undefined;
    }
  }

  /** Resolves when all commits so far are on the disk; rejects with the error of the system. */
  sync(): Promise<void> {
    return this.#file.syncData();
  }

  close(): void {
    this.#file.close();
  }
}
