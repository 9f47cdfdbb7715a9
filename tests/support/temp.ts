/**
 * Files and databases that are gone after the test.
 * @module
 */
import { type Clock, type Migration, systemClock } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";

/** A new folder; `using` or `await using` removes it. */
export function tempDir(): { path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "clockblock-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
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
