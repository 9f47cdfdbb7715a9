/** A running process as the operating system's own list tells of it. @module */

export interface Process {
  /** The name of its program: `Minecraft.exe`, `java`; see {@link imageName}. */
  image: string;
  /** Entries with the same one are a process that is listed by each name it may have. */
  pid?: number;
  /** The title of its main window, where the list knows windows. */
  windowTitle?: string;
  /** Its program and arguments, where the list knows them. */
  command?: string;
}

/**
 * Lists what runs on this machine. An empty list means that nothing that could be the game runs; when that
 * cannot be known it throws. It ends soon after `signal` aborts and leaves nothing behind.
 */
export type ProcessLister = (options: { signal: AbortSignal }) => Promise<readonly Process[]>;

/** As long as a path on Windows: a program may call itself anything, and every heartbeat keeps the name. */
const MAX_IMAGE = 260;

/** A program's name as it is kept: at most 260 characters of it. */
export function imageName(name: string): string {
  return name.length > MAX_IMAGE ? name.slice(0, MAX_IMAGE).toWellFormed() : name;
}
