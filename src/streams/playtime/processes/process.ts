/** A running process in the operating system's list. @module */

export interface Process {
  /** The name of its program: `Minecraft.exe`, `java`; see {@link imageName}. */
  image: string;
  /** Entries with the same pid are one process under each of its possible names. */
  pid?: number;
  /** The title of its main window (Windows). */
  windowTitle?: string;
  /** Its program and arguments (Linux, macOS). */
  command?: string;
}

/**
 * Lists processes. An empty list means that no game runs; when that cannot be known it throws. It ends soon after
 * `signal` aborts and leaves nothing behind.
 */
export type ProcessLister = (options: { signal: AbortSignal }) => Promise<readonly Process[]>;

/** As long as a path on Windows: every heartbeat keeps the name. */
const MAX_IMAGE = 260;

/** A program's name, cut to `MAX_IMAGE` characters. */
export function imageName(name: string): string {
  return name.length > MAX_IMAGE ? name.slice(0, MAX_IMAGE).toWellFormed() : name;
}
