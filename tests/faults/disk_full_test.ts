import assert from "node:assert/strict";
import { type Migration, Warnings } from "../../src/core/mod.ts";
import { type Store, StoreError } from "../../src/store/mod.ts";
import { openStore } from "../../src/store/recovery/recovery.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";
import { mountTmpfs } from "../support/fakes/tmpfs.ts";

const SECOND_MS = 1_000;

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, bytes BLOB)",
};

Deno.test({
  name: "Store on a full disk refuses writes, reads on, and resumes by itself once there is space",
  ignore: !mountTmpfs.possible,
  async fn() {
    using disk = mountTmpfs({ mb: 3 });
    const clock = new FakeClock();
    const warnings = new Warnings({ clock });
    const path = `${disk.path}/clockblock.db`;
    const store = openStore(path, { migrations: [notes], clock, warnings });
    const big = new Uint8Array(300_000);
    Deno.writeFileSync(`${disk.path}/someone-elses`, new Uint8Array(1_500_000));

    let kept = 0;
    let refused: unknown;
    while (!refused) await insert(store, big).then(() => kept++, (error) => refused = error);
    assertFull(refused);
    assert.equal(store.full, true);
    assert.match(warnings.list()[0]?.message ?? "", /the disk is full\. Free some space/);
    assert.equal(rows(store), kept);

    // A small write may find room in the log, which does not mean that the disk is well.
    const small = await insert(store, new Uint8Array(10)).then(() => 1, () => 0);
    assert.equal(store.full, true);

    Deno.removeSync(`${disk.path}/someone-elses`);
    await clock.advance(11 * SECOND_MS);
    await insert(store, big);
    assert.equal(store.full, false);
    assert.deepEqual(warnings.list(), []);
    store.close();

    const again = openStore(path, { migrations: [notes] });
    assert.equal(rows(again), kept + small + 1);
    again.close();
  },
});

Deno.test({
  name: "openStore on a full disk says so, keeps what is there, and opens once there is space",
  ignore: !mountTmpfs.possible,
  async fn() {
    using disk = mountTmpfs({ mb: 1 });
    const path = `${disk.path}/clockblock.db`;
    const store = openStore(path, { migrations: [notes] });
    await insert(store, new Uint8Array(10));
    store.close();
    fillUp(`${disk.path}/someone-elses`);
    assert.throws(() => openStore(path, { migrations: [notes] }), (error) => {
      assertFull(error);
      return true;
    });
    Deno.removeSync(`${disk.path}/someone-elses`);
    const again = openStore(path, { migrations: [notes] });
    assert.equal(rows(again), 1);
    again.close();
  },
});

Deno.test("Store tells every writer of a group that the disk is full, and commits the next group", async () => {
  using dir = tempDir();
  const clock = new FakeClock();
  const warnings = new Warnings({ clock });
  const store = openStore(`${dir.path}/a.db`, { migrations: [notes], clock, warnings });
  // What SQLite does when a file cannot grow, without a disk that is full.
  const pages = Number(store.db.prepare("PRAGMA page_count").get()?.page_count);
  store.db.exec(`PRAGMA max_page_count=${pages + 3}`);
  const outcomes = await Promise.allSettled([
    insert(store, new Uint8Array(10)),
    insert(store, new Uint8Array(100_000)),
  ]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    assertFull(outcome.status === "rejected" && outcome.reason);
  }
  assert.equal(rows(store), 0);
  await insert(store, new Uint8Array(10));
  assert.equal(rows(store), 1);
  assert.equal(store.full, true);
  await clock.advance(11 * SECOND_MS);
  await insert(store, new Uint8Array(10));
  assert.equal(store.full, false);
  store.close();
});

function insert(store: Store, bytes: Uint8Array): Promise<unknown> {
  return store.write(
    () => store.db.prepare("INSERT INTO notes (bytes) VALUES (?)").run(bytes),
    { durable: true },
  );
}

function rows(store: Store): number {
  return Number(store.db.prepare("SELECT count(*) AS n FROM notes").get()?.n);
}

function assertFull(error: unknown): void {
  assert.ok(error instanceof StoreError, String(error));
  assert.equal(error.kind, "full");
}

function fillUp(path: string): void {
  using file = Deno.openSync(path, { create: true, write: true });
  for (let size = 65_536; size >= 1; size = size >> 1) {
    const bytes = new Uint8Array(size);
    try {
      while (file.writeSync(bytes) > 0);
    } catch { /* The next smaller piece may still fit. */ }
  }
}
