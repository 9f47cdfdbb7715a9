/**
 * The database's files as they were opened. They live on for as long as somebody has them open, whatever becomes of
 * their names, and by handles they can be read beside the event loop, which SQLite's own copying holds.
 * @module
 */
import { inodeOf } from "./files.ts";

/** What tells a write-ahead log from the next one, which begins anew in the same file. */
export type LogId = string;

const ID_BYTES = 32;
const PIECE_BYTES = 256 * 1024;
/** After so many the disk is waited for: one that is far behind makes commits wait. */
const SYNC_BYTES = 8 * 1024 * 1024;

export class LiveFiles implements Disposable {
  /** Where the system tells a file from another; on Windows, where none that is open can be displaced, it does not. */
  readonly #opened: readonly { path: string; inode: number }[];
  readonly #database: Deno.FsFile | undefined;
  readonly #log: Deno.FsFile | undefined;

  /** Those of an open database. Disposed of after it, since on POSIX closing a file drops this process's locks to it. */
  constructor(path: string) {
    this.#opened = [path, `${path}-wal`, `${path}-shm`]
      .map((file) => ({ path: file, inode: inodeOf(file) ?? 0 }))
      .filter(({ inode }) => inode !== 0);
    if (this.#opened.length < 3) return;
    this.#database = Deno.openSync(path);
    this.#log = Deno.openSync(`${path}-wal`);
  }

  /** Whether the database, or what belongs to it, no longer lies where it was opened. */
  displaced(): "database" | "log" | undefined {
    const gone = this.#opened.filter(({ path, inode }) => inodeOf(path) !== inode);
    if (gone.length === 0) return undefined;
    return gone[0] === this.#opened[0] ? "database" : "log";
  }

  /** Which log is being written. */
  async logId(): Promise<LogId> {
    const header = new Uint8Array(ID_BYTES);
    const log = opened(this.#log);
    await log.seek(0, Deno.SeekMode.Start);
    return header.subarray(0, await log.read(header) ?? 0).join();
  }

  /** Copies what was moved into the database so far: without its log it is none. */
  async copyDatabase(to: string): Promise<void> {
    await copy(opened(this.#database), to, Infinity);
  }

  /**
   * Copies the log; false when it has become shorter meanwhile. What an earlier log left behind the last commit is
   * copied as well: SQLite tells by its checksums that it is none of it.
   */
  async copyLog(to: string): Promise<boolean> {
    const log = opened(this.#log);
    const { size } = await log.stat();
    return await copy(log, to, size) === size;
  }

  [Symbol.dispose](): void {
    this.#database?.close();
    this.#log?.close();
  }
}

function opened(file: Deno.FsFile | undefined): Deno.FsFile {
  if (!file) throw new Error("its files are not known");
  return file;
}

/** Copies so many bytes of a file, or all there are, onto the disk; returns how many there were. */
async function copy(from: Deno.FsFile, path: string, bytes: number): Promise<number> {
  using to = await Deno.open(path, { create: true, write: true, truncate: true });
  const piece = new Uint8Array(PIECE_BYTES);
  let copied = 0;
  let synced = 0;
  await from.seek(0, Deno.SeekMode.Start);
  while (copied < bytes) {
    const read = await from.read(piece.subarray(0, Math.min(PIECE_BYTES, bytes - copied)));
    if (read === null) break;
    for (let at = 0; at < read;) at += await to.write(piece.subarray(at, read));
    copied += read;
    if (copied - synced < SYNC_BYTES) continue;
    await to.syncData();
    synced = copied;
  }
  await to.sync();
  return copied;
}
