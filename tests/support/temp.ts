/**
 * Files and databases that are gone after the test.
 * @module
 */
import { type Clock, type Migration, systemClock } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";

/** A new folder; `using` or `await using` removes it. */
export function tempDir(): { path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "clockblock-" });
  return { path, [Symbol.dispose]: () => removeFolder(path) };
}

/**
 * Removes a folder. Windows keeps a file for as long as a process or thread that is ending has it open; what it keeps
 * longer than a second stays where temporary files lie.
 */
export function removeFolder(path: string): void {
  const windows = Deno.build.os === "windows";
  for (let tries = 0; tries < 20; tries++) {
    try {
      return Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (!windows) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

/** A real store in a folder of its own, closed and removed by `using`. */
export function tempStore(
  migrations: readonly Migration[] = [],
  { clock = systemClock }: { clock?: Clock } = {},
): { store: Store; path: string } & Disposable {
  const dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const store = new Store(path, { migrations, clock });
  return {
    store,
    path,
    [Symbol.dispose]() {
      store.close();
      dir[Symbol.dispose]();
    },
  };
}
