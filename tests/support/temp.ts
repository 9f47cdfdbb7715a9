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

/** Removes a folder. Windows keeps a file there for as long as a process or thread that is ending has it open. */
export function removeFolder(path: string): void {
  for (let tries = 1;; tries++) {
    try {
      return Deno.removeSync(path, { recursive: true });
    } catch (error) {
      if (Deno.build.os !== "windows" || tries === 100) throw error;
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
