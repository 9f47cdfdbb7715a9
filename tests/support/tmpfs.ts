/**
 * A small disk of its own for a test that fills it or makes it read-only. Only root on Linux can mount one.
 * @module
 */
import { tempDir } from "./temp.ts";

export interface SmallDisk extends Disposable {
  path: string;
  setReadOnly(): void;
}

export function mountTmpfs({ mb }: { mb: number }): SmallDisk {
  const dir = tempDir();
  run("mount", "-t", "tmpfs", "-o", `size=${mb}m`, "tmpfs", dir.path);
  return {
    path: dir.path,
    setReadOnly: () => run("mount", "-o", "remount,ro", dir.path),
    [Symbol.dispose]() {
      run("umount", dir.path);
      dir[Symbol.dispose]();
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
