/**
 * A small disk of its own for a test that fills it or makes it read-only. Only root on Linux can mount one.
 * @module
 */
import { tempDir } from "../temp.ts";

export interface SmallDisk extends Disposable {
  path: string;
  setReadOnly(): void;
}

/** @param options.at a new folder to mount it at (default: one of its own) */
export function mountTmpfs({ mb, at }: { mb: number; at?: string }): SmallDisk {
  const dir = at === undefined ? tempDir() : undefined;
  const path = at ?? dir!.path;
  if (at !== undefined) Deno.mkdirSync(at);
  run("mount", "-t", "tmpfs", "-o", `size=${mb}m`, "tmpfs", path);
  return {
    path,
    setReadOnly: () => run("mount", "-o", "remount,ro", path),
    [Symbol.dispose]() {
      run("umount", path);
      dir?.[Symbol.dispose]();
    },
  };
}

/** Whether this process may mount: root outside a container that forbids it. */
mountTmpfs.possible = ((): boolean => {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    mountTmpfs({ mb: 1 })[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
})();

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args, stderr: "piped" }).outputSync();
  if (!success) throw new Error(`Cannot ${command}: ${new TextDecoder().decode(stderr)}`);
}
