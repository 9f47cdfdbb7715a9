/**
 * One agent per database: a locked file beside it, which the system unlocks when the agent ends, however it
 * ends. Who holds it stands in a second file, because on Windows nobody else can read a locked one; that
 * file is only believed while the lock is held, so what a killed agent left behind does not matter.
 * @module
 */
import { type Instant, logger } from "../core/mod.ts";
import { discard, statOf } from "./files.ts";
import { fileFailure } from "./place.ts";
import { type Holder, StoreError } from "./store_error.ts";

export interface Lock {
  /** Whether the agent before this one did not end by itself: it was killed, or the power failed. */
  readonly unclean: boolean;
  /** Says where the agent's API listens, for those who are refused. */
  announce(url: string): void;
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
  const holder = { pid: Deno.pid, url: null, since };
  const unclean = statOf(holderPath(path)) !== undefined;
  tell(path, holder);
  let held = true;
  return {
    unclean,
    announce: (url) => tell(path, { ...holder, url }),
    release() {
      if (!held) return;
      held = false;
      discard(holderPath(path));
      // Windows keeps the name of an open file alive, so there the empty file stays.
      if (Deno.build.os !== "windows") discard(lockPath(path));
      file.close();
    },
  };
}

/** Who holds the database at `path`: undefined when no agent does. */
export function lockedBy(path: string): { holder: Holder | undefined } | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(lockPath(path), { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw fileFailure(path, error) ?? error;
  }
  try {
    return file.tryLockSync(true) ? undefined : { holder: readHolder(path) };
  } finally {
    file.close();
  }
}

/**
 * Does `work` while no agent can begin; not at all where one runs, or where none has left its lock unless it is to be
 * made for the time being.
 */
export function whileNobodyHolds(path: string, work: () => void, { make = false } = {}): void {
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
  for (let tries = 1;; tries++) {
    const file = openLockFile(path);
    if (file.tryLockSync(true)) {
      if (isStillThere(path, file)) return file;
      // The holder before removed the file between our opening and locking it: take the new one.
    } else if (tries >= TRIES) {
      file.close();
      throw refusal(path, readHolder(path));
    } else {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
    file.close();
  }
}

function openLockFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(lockPath(path), { create: true, read: true, write: true });
  } catch (error) {
    throw fileFailure(path, error) ?? error;
  }
}

function isStillThere(path: string, file: Deno.FsFile): boolean {
  if (Deno.build.os === "windows") return true;
  return statOf(lockPath(path))?.ino === file.statSync().ino;
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
