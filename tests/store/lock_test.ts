import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { lockedBy, StoreError } from "../../src/store/mod.ts";
import { openStore } from "../../src/store/recovery/recovery.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";

const HOLDER = fileURLToPath(new URL("../support/process/holder_process.ts", import.meta.url));

Deno.test("openStore refuses a second agent and says who holds the database", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  const store = openStore(path, { migrations: [], clock });
  store.announce("http://127.0.0.1:3841");
  const holder = {
    pid: Deno.pid,
    url: "http://127.0.0.1:3841",
    since: "2026-03-02T12:00:00.000Z",
  };
  assert.throws(() => openStore(path, { migrations: [] }), (error) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.kind, "locked");
    assert.deepEqual(error.holder, holder);
    assert.match(
      error.message,
      new RegExp(`process ${Deno.pid}, http://127.0.0.1:3841, has had it`),
    );
    return true;
  });
  assert.deepEqual(lockedBy(path), { holder });
  store.close();
  assert.equal(lockedBy(path), undefined);
});

Deno.test("openStore leaves nothing but the database behind once it is closed", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  openStore(path, { migrations: [] }).close();
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  const kept = Deno.build.os === "windows" ? ["clockblock.db.lock"] : [];
  assert.deepEqual(names.sort(), ["clockblock.db", ...kept]);
});

Deno.test("openStore opens what a killed agent held, and does not believe what that one left", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  await using holder = await startHolder(path);
  const refused = lockedBy(path);
  assert.equal(refused?.holder?.pid, holder.pid);
  assert.throws(
    () => openStore(path, { migrations: [] }),
    (error) => error instanceof StoreError && error.holder?.pid === holder.pid,
  );
  await holder.kill();
  assert.match(Deno.readTextFileSync(`${path}.holder`), new RegExp(`"pid":${holder.pid}`));
  assert.equal(lockedBy(path), undefined);
  const store = openStore(path, { migrations: [] });
  assert.equal(lockedBy(path)?.holder?.pid, Deno.pid);
  store.close();
});

Deno.test("lockedBy knows that a database is held when its holder has not said who it is", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const store = openStore(path, { migrations: [] });
  Deno.writeTextFileSync(`${path}.holder`, '{"pid":');
  assert.deepEqual(lockedBy(path), { holder: undefined });
  assert.throws(() => openStore(path, { migrations: [] }), /another agent is running on it/);
  store.close();
});

const otherNames: Readonly<Record<string, (path: string) => string>> = {
  "whose lock file was deleted": (path) => {
    Deno.removeSync(`${path}.lock`);
    return path;
  },
  "by a hard link": (path) => {
    Deno.linkSync(path, `${path}.a-link`);
    return `${path}.a-link`;
  },
  "by a hard link, whose lock file was deleted": (path) => {
    Deno.linkSync(path, `${path}.a-link`);
    Deno.removeSync(`${path}.lock`);
    return `${path}.a-link`;
  },
};

for (const [how, rename] of Object.entries(otherNames)) {
  Deno.test({
    name: `openStore refuses a database that is held ${how}`,
    // Elsewhere nothing but the lock file can be locked.
    ignore: how.includes("deleted") && Deno.build.os !== "linux",
    async fn() {
      using dir = tempDir();
      const path = `${dir.path}/clockblock.db`;
      await using holder = await startHolder(path);
      const name = rename(path);
      assert.equal(lockedBy(name)?.holder?.pid, holder.pid);
      for (let start = 0; start < 2; start++) {
        assert.throws(
          () => openStore(name, { migrations: [] }),
          (error) => error instanceof StoreError && error.holder?.pid === holder.pid,
        );
      }
      assert.equal(lockedBy(name)?.holder?.pid, holder.pid);
      await holder.kill();
      assert.equal(lockedBy(name), undefined);
      openStore(name, { migrations: [] }).close();
    },
  });
}

Deno.test({
  name: "openStore holds what a repair has put in the database's place",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    openStore(path, { migrations: [] }).close();
    Deno.truncateSync(path, 5_000);
    await using _holder = await startHolder(path);
    Deno.removeSync(`${path}.lock`);
    assert.throws(() => openStore(path, { migrations: [] }), /another agent is running on it/);
  },
});

Deno.test({
  name: "openStore does not take a lock file for the lock that its last holder has just removed",
  // Windows keeps the name of an open file.
  ignore: Deno.build.os === "windows",
  fn() {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    const { tryLockSync } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.tryLockSync = function (exclusive) {
      Deno.FsFile.prototype.tryLockSync = tryLockSync;
      Deno.removeSync(`${path}.lock`);
      return tryLockSync.call(this, exclusive);
    };
    const store = openStore(path, { migrations: [] });
    assert.ok(Deno.statSync(`${path}.lock`).isFile);
    store.close();
  },
});

/** Another process that holds the database until it is killed. */
async function startHolder(
  path: string,
): Promise<{ pid: number; kill(): Promise<void> } & AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", HOLDER, path],
    stdout: "piped",
  }).spawn();
  const kill = async () => {
    try {
      child.kill("SIGKILL");
    } catch { /* It is dead already. */ }
    await child.status;
  };
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return { pid: child.pid, kill, [Symbol.asyncDispose]: kill };
}
