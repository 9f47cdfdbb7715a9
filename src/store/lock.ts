/**
 * One agent per database: a locked file beside it, which the system unlocks when the agent ends, however it ends. A
 * second file says who holds it, because on Windows a locked file cannot be read by others; its content counts only
 * while the lock is held, so what a killed agent left does not matter.
 *
 * A database can have other names (links), and the lock file can be deleted. So its other names in the folder are
 * checked too, and on Linux the database itself is locked by `flock`, which is independent of SQLite's `fcntl` locks.
 * On other systems the two would conflict.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Instant, logger } from "../core/mod.ts";
import { discard, inodeOf, statOf } from "./files.ts";
import { fileFailure } from "./database_path.ts";
import { type Holder, StoreError } from "./store_error.ts";

export interface Lock {
  /** Whether the previous agent was killed, or the power failed. */
  readonly unclean: boolean;
  /** Publishes the URL of the agent's API, for agents that are refused. */
  announce(url: string): void;
  /**
   * Locks the file at the path, which may be a restored one; creates an empty file where there is none.
   * Before SQLite opens it: on POSIX closing a file drops this process's other locks to it.
   * @throws {StoreError} `locked`
   */
  holdDatabase(): void;
  /** Keeps only the lock of the file beside it; false when that was so already. */
  letGoOfDatabase(): boolean;
  release(): void;
}

/** `lockedBy` holds the lock for a moment: attempts, and the time between two. */
const MAX_TRIES = 5;
const RETRY_MS = 20;

/**
 * Takes the lock of the database at `path`.
 * @throws {StoreError} `locked` when an agent has it, with what it says of itself
 */
export function acquireLock(path: string, { since }: { since: Instant }): Lock {
  const file = lockedFile(path);
  const held = new HeldDatabase(path);
  try {
    const link = linksTo(path).find(isLocked);
    if (link !== undefined) throw refusal(path, readHolder(link));
    if (statOf(path)) held.lock();
  } catch (error) {
    // The file is ours, made where the holder's had been deleted.
    discard(lockPath(path));
    file.close();
    throw error;
  }
  const holder = { pid: Deno.pid, url: null, since };
  const unclean = statOf(holderPath(path)) !== undefined;
  writeHolder(path, holder);
  let released = false;
  return {
    unclean,
    announce: (url) => writeHolder(path, { ...holder, url }),
    holdDatabase: () => held.lock(),
    letGoOfDatabase: () => held.letGo(),
    release() {
      if (released) return;
      released = true;
      held.letGo();
      discard(holderPath(path));
      // Windows keeps the name of an open file alive, so there the empty file stays.
      if (Deno.build.os !== "windows") discard(lockPath(path));
      file.close();
    },
  };
}

/** The lock on the database itself, where the system has one that is independent of SQLite's. */
class HeldDatabase {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #possible = Deno.build.os === "linux";

  constructor(path: string) {
    this.#path = path;
  }

  lock(): void {
    if (!this.#possible || (this.#file && isStillAt(this.#path, this.#file))) return;
    this.#file?.close();
    // Opened for writing: network file systems need it for an exclusive lock.
    this.#file = openOrThrow(this.#path, { create: true, read: true, write: true });
    if (locks(this.#file)) return;
    this.#file.close();
    this.#file = undefined;
    throw refusal(this.#path, anyHolder(this.#path));
  }

  letGo(): boolean {
    const held = this.#file !== undefined;
    this.#file?.close();
    this.#file = undefined;
    this.#possible = false;
    return held;
  }
}

/** Who holds the database at `path`: undefined when no agent does. */
export function lockedBy(path: string): { holder: Holder | undefined } | undefined {
  const name = [path, ...linksTo(path)].find(isLocked);
  if (name !== undefined) return { holder: readHolder(name) };
  // Only where no name is locked: this process may have a locked one open itself.
  const held = Deno.build.os === "linux" && isLockedFile(path);
  return held ? { holder: anyHolder(path) } : undefined;
}

function isLocked(path: string): boolean {
  return isLockedFile(lockPath(path));
}

function isLockedFile(path: string): boolean {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileFailure(path, error) ?? error;
  }
  try {
    return !file.tryLockSync(false);
  } finally {
    file.close();
  }
}

/** The other names that a file has in its folder. */
function linksTo(path: string): string[] {
  const stat = statOf(path);
  if (!stat?.ino || (stat.nlink ?? 1) < 2) return [];
  return [...Deno.readDirSync(dirname(path))]
    .filter(({ name, isFile }) => isFile && name !== basename(path))
    .map(({ name }) => join(dirname(path), name))
    .filter((other) => inodeOf(other) === stat.ino);
}

/**
 * Does `work` while no agent can start; nothing where one runs. Without a lock file it does nothing either, unless
 * `make` creates one for the duration.
 */
export function whileNobodyHolds(path: string, work: () => void, { make = false } = {}): void {
  if (lockedBy(path)) return;
  const there = statOf(lockPath(path)) !== undefined;
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(lockPath(path), { read: true, write: true, create: make });
  } catch {
    return;
  }
  try {
    if (!file.tryLockSync(true)) return;
    work();
    if (!there && Deno.build.os !== "windows") discard(lockPath(path));
  } finally {
    file.close();
  }
}

function lockedFile(path: string): Deno.FsFile {
  for (;;) {
    const file = openOrThrow(lockPath(path), { create: true, read: true, write: true });
    if (!locks(file)) {
      file.close();
      throw refusal(path, readHolder(path));
    }
    // Otherwise the holder before removed the file between our opening and locking it: take the new one.
    if (Deno.build.os === "windows" || isStillAt(lockPath(path), file)) return file;
    file.close();
  }
}

/** Locks a file; retries, because `lockedBy` may hold it for a moment. */
function locks(file: Deno.FsFile): boolean {
  for (let tries = 1; !file.tryLockSync(true); tries++) {
    if (tries === MAX_TRIES) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
  return true;
}

function openOrThrow(path: string, options: Deno.OpenOptions): Deno.FsFile {
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    throw fileFailure(path, error) ?? error;
  }
}

function isStillAt(path: string, file: Deno.FsFile): boolean {
  return inodeOf(path) === file.statSync().ino;
}

function refusal(path: string, holder: Holder | undefined): StoreError {
  const who = holder
    ? `process ${holder.pid}${
      holder.url ? `, ${holder.url},` : ""
    } has had it since ${holder.since}`
    : "it is not known which";
  return new StoreError(
    "locked",
    `Cannot open "${path}": another agent is running on it (${who}). Stop that one, or use another database.`,
    { holder },
  );
}

function writeHolder(path: string, holder: Holder): void {
  try {
    Deno.writeTextFileSync(holderPath(path), JSON.stringify(holder));
  } catch (error) {
    // The lock itself holds; a second agent is refused without the details.
    logger("store").warn("Cannot note who holds the database: {error}", { error });
  }
}

/** The holder of a locked database, by any of its names. */
function anyHolder(path: string): Holder | undefined {
  return [...linksTo(path), path].map(readHolder).find((holder) => holder !== undefined);
}

function readHolder(path: string): Holder | undefined {
  try {
    const { pid, url, since } = JSON.parse(Deno.readTextFileSync(holderPath(path)));
    if (typeof pid !== "number" || typeof since !== "string") return undefined;
    return { pid, url: typeof url === "string" ? url : null, since };
  } catch {
    return undefined;
  }
}

function lockPath(path: string): string {
  return `${path}.lock`;
}

function holderPath(path: string): string {
  return `${path}.holder`;
}
