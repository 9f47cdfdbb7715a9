/** Small questions about files, answered without an exception for the ordinary case. @module */
import { logger } from "../core/mod.ts";

/** What the path names; undefined when there is nothing. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

export function isFile(path: string): boolean {
  return statOf(path)?.isFile ?? false;
}

/** Identifies a file apart from another one that takes its name; null where the system has no inodes. */
export function inodeOf(path: string): number | null {
  return statOf(path)?.ino ?? null;
}

export function removeIfThere(path: string): void {
  if (isFile(path)) Deno.removeSync(path);
}

/** Removes a file; a failure (Windows, while it is open) is only logged. */
export function discard(path: string): void {
  try {
    removeIfThere(path);
  } catch (error) {
    logger("store").warn("Cannot remove {path}: {error}", { path, error });
  }
}

/** The same off the event loop, for large files: the system takes 25 ms for 100 MB. */
export async function discardLarge(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    logger("store").warn("Cannot remove {path}: {error}", { path, error });
  }
}

/** Copies a file; after a power cut the copy is whole or not there at all. */
export function copyDurably(from: string, to: string): void {
  Deno.copyFileSync(from, `${to}.part`);
  renameDurably(`${to}.part`, to);
}

/** Writes a file; after a power cut it has its old text or the new one. */
export function writeDurably(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.part`, text);
  renameDurably(`${path}.part`, path);
}

function renameDurably(from: string, to: string): void {
  using file = Deno.openSync(from, { read: true, write: true });
  file.syncSync();
  Deno.renameSync(from, to);
}

/** An instant for file names, valid on Windows too: `20260302T120000Z`. */
export function fileTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}
