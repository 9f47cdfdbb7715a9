/**
 * A disk of its own that a test lets fail: the file system then goes read-only under whoever has files open on it, as
 * Linux does when a real one has errors. Only root on Linux can make one.
 * @module
 */
import { tempDir } from "../temp.ts";

export interface FailingDisk extends Disposable {
  path: string;
  fail(): void;
}

export function mountFailingDisk({ mb }: { mb: number }): FailingDisk {
  using cleanup = new DisposableStack();
  const dir = cleanup.use(tempDir());
  const image = `${dir.path}/image`;
  const path = `${dir.path}/disk`;
  Deno.writeFileSync(image, new Uint8Array());
  Deno.truncateSync(image, mb * 1_000_000);
  Deno.mkdirSync(path);
  run("mkfs.ext4", "-q", "-F", image);
  const device = run("losetup", "--find", "--show", image);
  cleanup.defer(() => run("losetup", "--detach", device));
  run("mount", "-o", "errors=remount-ro", device, path);
  cleanup.defer(() => run("umount", path));
  const all = cleanup.move();
  return {
    path,
    // https://docs.kernel.org/admin-guide/abi-testing.html: "lets the file system behave as if it had found an error".
    fail: () =>
      Deno.writeTextFileSync(`/sys/fs/ext4/${device.split("/").at(-1)}/trigger_fs_error`, "1"),
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** Whether this process may make one and let it fail: root outside a container that forbids it, with the tools. */
mountFailingDisk.possible = ((): boolean => {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    using disk = mountFailingDisk({ mb: 2 });
    disk.fail();
    return true;
  } catch {
    return false;
  }
})();

/** @returns what it printed */
function run(command: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (!success) throw new Error(`Cannot ${command}: ${text(stderr)}`);
  return text(stdout);
}
