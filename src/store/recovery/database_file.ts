/**
 * The database's file as it was opened. SQLite notices neither that the file was deleted nor that it was written over.
 * A check takes the same time at any size: three names and 100 bytes.
 * @module
 */
import type { Database } from "../database.ts";
import { inodeOf } from "../files.ts";
import { APPLICATION_ID, firstBytes, type Header, headerOf } from "./header.ts";

/**
 * `gone`: deleted, or its name is another file's · `overwritten`: the file has other content ·
 * `log`: its `-wal` or `-shm` is gone
 */
export type Displacement = "gone" | "overwritten" | "log";

/** A first page that does not fit is read again: a checkpoint may be writing it. */
const MAX_TRIES = 3;

export class DatabaseFile implements Disposable {
  readonly #opened: readonly { path: string; inode: number | null }[];
  readonly #file: Deno.FsFile | undefined;
  /** Marks that the file may have: its own, and the one before the first checkpoint. */
  readonly #marks: ReadonlySet<number>;
  #changes = 0;

  /** Dispose of it after the connection: on POSIX closing a file drops this process's locks to it. */
  constructor(db: Database, path: string) {
    const own = Number(db.prepare("PRAGMA user_version").get()?.user_version);
    if (path === ":memory:") {
      this.#opened = [];
      this.#marks = new Set();
      return;
    }
    this.#opened = [path, `${path}-wal`, `${path}-shm`]
      .map((file) => ({ path: file, inode: inodeOf(file) }));
    this.#file = Deno.openSync(path);
    const header = this.#read();
    this.#changes = header?.changes ?? 0;
    this.#marks = new Set([own, header?.mark ?? own]);
  }

  /** What happened to it; undefined while it is as it was opened. */
  displaced(): Displacement | undefined {
    const gone = this.#opened.filter(({ path, inode }) => inodeOf(path) !== inode);
    if (gone.length > 0) return gone[0] === this.#opened[0] ? "gone" : "log";
    return this.#overwritten() ? "overwritten" : undefined;
  }

  /** Its `-wal` and `-shm`, unless they are gone. */
  log(): string[] {
    return this.#opened.slice(1).filter(({ path, inode }) => inodeOf(path) === inode)
      .map(({ path }) => path);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }

  #overwritten(): boolean {
    if (!this.#file) return false;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const header = this.#read();
      if (!header || !this.#fits(header)) continue;
      this.#changes = header.changes;
      return false;
    }
    return true;
  }

  #fits({ sqlite, application, mark, changes }: Header): boolean {
    return sqlite && (application === APPLICATION_ID || application === 0) &&
      this.#marks.has(mark) && changes >= this.#changes;
  }

  #read(): Header | undefined {
    return this.#file && headerOf(firstBytes(this.#file));
  }
}
