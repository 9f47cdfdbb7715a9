/**
 * Another program that holds the database's write lock: a process of its own, with a transaction that it does not end.
 * @module
 */
import { fileURLToPath } from "node:url";

/** Takes the lock of the database at `path`; `letGo` resolves once it is free again. */
export async function holdWriteLock(path: string): Promise<{ letGo(): Promise<void> }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-lock",
      "--allow-read",
      "--allow-write",
      fileURLToPath(new URL("write_lock_process.ts", import.meta.url)),
      path,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    async letGo() {
      await child.stdin.close();
      await reader.cancel();
      await child.status;
    },
  };
}
