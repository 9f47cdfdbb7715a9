/**
 * Checks of a database's path before SQLite opens it: SQLite's own message is "unable to open database file" for every
 * case.
 * @module
 */
import { dirname } from "node:path";
import { statOf } from "./files.ts";
import { StoreError } from "./store_error.ts";

/** @throws {StoreError} when the path is a folder, or its folder does not exist */
export function checkPath(path: string): void {
  if (stat(path)?.isDirectory) {
    throw failure(path, "cannot-open", "it is a folder. Name a file in it");
  }
  const folder = dirname(path);
  if (!stat(folder)?.isDirectory) {
    throw failure(path, "cannot-open", `there is no folder "${folder}". Make it first`);
  }
}

/**
 * Whether there is a non-empty file.
 *
 * Opens the file and closes it again, which on POSIX drops the locks of every SQLite connection that this
 * process has to it: call it while holding the agent's lock, before connecting.
 * @throws {StoreError} `readonly`
 */
export function isWritableFile(path: string): boolean {
  if (!stat(path)?.size) return false;
  try {
    Deno.openSync(path, { read: true, write: true }).close();
  } catch (error) {
    throw fileFailure(path, error) ?? error;
  }
  return true;
}

/** The `StoreError` of a failed access to the file or its folder; undefined for other errors. */
export function fileFailure(path: string, error: unknown): StoreError | undefined {
  if (error instanceof Deno.errors.NotCapable) {
    const state = "the agent may only use the folder it is started in. Put the database there";
    return failure(path, "cannot-open", state, error);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (error instanceof Deno.errors.PermissionDenied || code === "EROFS") {
    const state = "it or its folder may not be written. Change that, or use another folder";
    return failure(path, "readonly", state, error);
  }
  if (code === "ENOSPC") {
    return failure(path, "full", "the disk is full. Free some space", error);
  }
  if (!(error instanceof Error) || !/^E[A-Z0-9]+$/.test(code)) return undefined;
  return failure(path, "cannot-open", `${error.message}. Check the path`, error);
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return statOf(path);
  } catch (error) {
    throw fileFailure(path, error) ?? error;
  }
}

function failure(
  path: string,
  kind: StoreError["kind"],
  state: string,
  cause?: unknown,
): StoreError {
  return new StoreError(kind, `Cannot open "${path}": ${state}.`, { cause });
}
