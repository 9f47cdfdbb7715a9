/**
 * One agent per database: a locked file beside it, which the system unlocks when the agent ends, however it ends. Who
 * holds it stands in a second file, because on Windows nobody else can read a locked one; that file is only believed
 * while the lock is held, so what a killed agent left behind does not matter.
 *
 * A database has other names where it is linked, and the file beside it can be deleted. So the names that it has in its
 * folder are looked at, too, and on Linux the database itself is locked, by `flock`, of which SQLite's own locks
 * (`fcntl`) know nothing. Elsewhere the two are one, and SQLite could not work.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Instant, logger } from "../core/mod.ts";
import { discard, inodeOf, statOf } from "./files.ts";
import { fileFailure } from "./database_path.ts";
import { type Holder, StoreError } from "./store_error.ts";

export interface Lock {
  /** Whether the agent before this one did not end by itself: it was killed, or the power failed. */
  readonly unclean: boolean;
  /** Says where the agent's API listens, for those who are refused. */
  announce(url: string): void;
  /**
   * Locks what lies at the path now, which a repair may have put there, and makes an empty file where there is none.
   * Before SQLite opens it: on POSIX closing a file drops this process's other locks to it.
   * @throws {StoreError} `locked`
   */
  holdDatabase(): void;
  /** From now on only the file beside it is locked; false when that was so already. */
  letGoOfDatabase(): boolean;
  release(): void;
}

/** A passing look at the lock (`lockedBy`) holds it for a moment: so often, and so long, it is tried again. */
const TRIES = 5;
const RETRY_MS = 20;

/**
 * Takes the lock of the database at `path`.
 * @throws {StoreError} `locked` when an agent has it, with what it says of itself
 */
export function acquireLock(path: string, { since }: { since: Instant }): Lock {
  const file = lockedFile(path);
  const held = new HeldDatabase(path);
  try {
    const twin = twinsOf(path).find(isLocked);
    if (twin !== undefined) throw refusal(path, readHolder(twin));
    if (statOf(path)) held.lock();
  } catch (error) {
    // The agent that has the database may look for its own, which somebody deleted.
    discard(lockPath(path));
    file.close();
    throw error;
  }
  const holder = { pid: Deno.pid, url: null, since };
  const unclean = statOf(holderPath(path)) !== undefined;
  tell(path, holder);
  let released = false;
  return {
    unclean,
    announce: (url) => tell(path, { ...holder, url }),
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

/** The lock on the database itself, where the system has one that SQLite does not mind. */
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
    // For writing, which a network file system takes for an exclusive lock; a file that may only be read is refused later.
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
  const name = [path, ...twinsOf(path)].find(isLocked);
  if (name !== undefined) return { holder: readHolder(name) };
  // Only where nobody holds a name, so that it is not a file that this process itself has open.
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
function twinsOf(path: string): string[] {
  const stat = statOf(path);
  if (!stat?.ino || (stat.nlink ?? 1) < 2) return [];
  return [...Deno.readDirSync(dirname(path))]
    .filter(({ name, isFile }) => isFile && name !== basename(path))
    .map(({ name }) => join(dirname(path), name))
    .filter((other) => inodeOf(other) === stat.ino);
}

/**
 * Does `work` while no agent can begin; not at all where one runs, or where none has left its lock unless it is to be
 * made for the time being.
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

/** Locks a file, which somebody's passing look may keep us from for a moment. */
function locks(file: Deno.FsFile): boolean {
  for (let tries = 1; !file.tryLockSync(true); tries++) {
    if (tries === TRIES) return false;
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
    : "it has not said which";
  return new StoreError(
    "locked",
    `Cannot open "${path}": another agent is running on it (${who}). Stop that one, or use another database.`,
    { holder },
  );
}

function tell(path: string, holder: Holder): void {
  try {
    Deno.writeTextFileSync(holderPath(path), JSON.stringify(holder));
  } catch (error) {
    // The lock itself holds; a second agent is refused all the same, only less helpfully.
    logger("store").warn("Cannot note who holds the database: {error}", { error });
  }
}

/** Who has said so under one of the names of a database that is held. */
function anyHolder(path: string): Holder | undefined {
  return [...twinsOf(path), path].map(readHolder).find((holder) => holder !== undefined);
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
