import assert from "node:assert/strict";
import type { Migration } from "../../src/core/mod.ts";
import type { Store } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
};

/** How many pages of the log may wait before a commit moves them. */
function threshold({ db }: Store): unknown {
  return db.prepare("PRAGMA wal_autocheckpoint").get()?.wal_autocheckpoint;
}

function logBytes(path: string): number {
  return Deno.statSync(`${path}-wal`).size;
}

/** Called inside `write`. */
function addNotes({ db }: Store, count: number): void {
  const insert = db.prepare("INSERT INTO notes (body) VALUES (?)");
  for (let n = 0; n < count; n++) insert.run("x".repeat(2_000));
}

Deno.test("Checkpointer leaves the log to commits while they are fast", () => {
  using temp = tempStore([notes]);
  const { checkpointer } = temp.store;
  for (let n = 0; n < 1_000; n++) checkpointer.committed(0.2);
  assert.equal(checkpointer.busy, false);
  assert.equal(threshold(temp.store), 400);
});

Deno.test("Checkpointer counts slow commits of the last seconds only", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { checkpointer } = temp.store;
  for (let n = 0; n < 10; n++) {
    checkpointer.committed(8);
    await clock.advance(1_600);
  }
  assert.equal(checkpointer.busy, false);
});

Deno.test("Checkpointer has a worker move the log while much is written, and no longer", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store, path } = temp;
  const { checkpointer } = store;
  for (let n = 0; n < 3; n++) checkpointer.committed(8);
  assert.equal(checkpointer.busy, true);
  assert.equal(threshold(store), 4_000);
  // The worker has moved all there is when a new commit begins the log anew: then it does not grow.
  let largest = 0;
  for (let round = 0; round < 20; round++) {
    await store.write(() => addNotes(store, 200));
    await clock.advance(50);
    await until(() => Deno.statSync(path).size > (round + 1) * 200 * 2_000, "the log to be moved", {
      withinMs: 60_000,
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    largest = Math.max(largest, logBytes(path));
  }
  assert.ok(largest < 4_000_000, `${largest} bytes`);
  await clock.advance(5_100);
  assert.equal(checkpointer.busy, false);
  assert.equal(threshold(store), 400);
  assert.equal(Number(store.db.prepare("SELECT count(*) AS n FROM notes").get()?.n), 4_000);
});

Deno.test("Checkpointer lets the log grow while it is held", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store } = temp;
  {
    using _held = store.checkpointer.hold();
    assert.equal(threshold(store), 0);
    for (let n = 0; n < 3; n++) store.checkpointer.committed(8);
    assert.equal(threshold(store), 0);
  }
  assert.equal(threshold(store), 4_000);
  // Its worker has the database open for as long as it is there.
  await until(async () => {
    await clock.advance(5_100);
    return !store.checkpointer.busy;
  }, "its end");
});

// On Windows an open database cannot be moved away.
const ignore = Deno.build.os === "windows";
Deno.test("Checkpointer that cannot work leaves the log to commits", { ignore }, async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store, path } = temp;
  Deno.renameSync(path, `${path}.moved`);
  Deno.mkdirSync(path);
  for (let n = 0; n < 3; n++) store.checkpointer.committed(8);
  await until(() => !store.checkpointer.busy, "its end");
  assert.equal(threshold(store), 400);
  Deno.removeSync(path);
  Deno.renameSync(`${path}.moved`, path);
});
