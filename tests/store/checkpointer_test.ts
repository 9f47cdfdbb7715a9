import assert from "node:assert/strict";
import type { Migration } from "../../src/core/mod.ts";
import { Checkpointer } from "../../src/store/checkpointer.ts";
import type { Store } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
};

/** How many pages of the log may wait before a commit moves them; 0 when none does. */
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

Deno.test("Checkpointer has no worker, and no commit, move a log that is short", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store } = temp;
  for (let n = 0; n < 50; n++) await store.write(() => addNotes(store, 1));
  assert.equal(store.checkpointer.busy, false);
  assert.equal(threshold(store), 0);
  assert.deepEqual(logOf(store).checkpointed, 0);
});

Deno.test("Checkpointer has a worker move the log while there is something to move, and no longer", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store } = temp;
  await store.write(() => addNotes(store, 1_000));
  assert.equal(store.checkpointer.busy, true);
  await clock.advance(50);
  await until(() => waiting(store) === 0, "the log to be moved");
  // What comes one by one is moved once it is worth it.
  await store.write(() => addNotes(store, 1));
  assert.ok(logOf(store).log < 20, "the WAL starts from its beginning");
  await clock.advance(100);
  assert.ok(waiting(store) > 0);
  await clock.advance(5_100);
  assert.equal(store.checkpointer.busy, false);
  assert.equal(count(store), 1_001);
});

Deno.test("Checkpointer restarts a WAL that commits follow without a pause", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store, path } = temp;
  let stored = 0;
  let writing = true;
  const written = (async () => {
    while (writing) {
      await store.write(() => addNotes(store, 50));
      stored += 50;
    }
  })();
  await until(
    async () => {
      await clock.advance(50);
      return stored > 30_000;
    },
    "60 MB to be written",
    { withinMs: 60_000 },
  );
  writing = false;
  await written;
  assert.ok(logBytes(path) < 40_000_000, `${logBytes(path)} bytes`);
  assert.equal(count(store), stored);
});

Deno.test("Checkpointer lets the log grow, and commits not wait, while it is held", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store } = temp;
  {
    using _held = store.checkpointer.hold();
    for (let n = 0; n < 20; n++) await store.write(() => addNotes(store, 200));
    assert.equal(store.checkpointer.busy, false);
    assert.equal(waiting(store), logOf(store).log);
  }
  await store.write(() => addNotes(store, 1));
  assert.equal(store.checkpointer.busy, true);
});

Deno.test("Checkpointer moves nothing while it rests", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store } = temp;
  await store.write(() => addNotes(store, 1_000));
  await clock.advance(50);
  await until(() => waiting(store) === 0, "the log to be moved");
  const rest = await store.checkpointer.rest();
  assert.equal(store.checkpointer.busy, false);
  await store.write(() => addNotes(store, 1_000));
  await clock.advance(1_000);
  assert.equal(store.checkpointer.busy, false);
  assert.equal(waiting(store), logOf(store).log);
  rest[Symbol.dispose]();
  await store.write(() => addNotes(store, 1));
  assert.equal(store.checkpointer.busy, true);
});

Deno.test({
  name: "Checkpointer opens no file that lies in the database's place",
  ignore: Deno.build.os === "windows",
  async fn() {
    const clock = new FakeClock();
    using temp = tempStore([notes], { clock });
    const { store, path } = temp;
    Deno.removeSync(path);
    await store.write(() => addNotes(store, 1_000));
    await clock.advance(50);
    assert.equal(store.checkpointer.busy, false);
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
  },
});

Deno.test("Checkpointer has a worker alone move the log where SQLite cannot report its length", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes], { clock });
  const { store, path } = temp;
  using _own = store.checkpointer.hold();
  const checkpointer = new Checkpointer(store.db, path, {
    clock,
    closing: store.closing,
    displaced: () => false,
    pause: () => {},
    noop: false,
  });
  const commits = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await store.write(() => addNotes(store, 10));
      checkpointer.committed();
    }
  };
  await commits(49);
  assert.equal(checkpointer.busy, false);
  assert.equal(logOf(store).checkpointed, 0, "no commit moves it");
  assert.equal(threshold(store), 0);
  await commits(1);
  assert.equal(checkpointer.busy, true);
  await clock.advance(50);
  await until(() => waiting(store) === 0, "the log to be moved");
  await clock.advance(5_100);
  assert.equal(checkpointer.busy, false, "it goes when there is nothing to move");
});

Deno.test("Checkpointer that cannot work leaves the log to commits for a while", async () => {
  const clock = new FakeClock();
  using temp = tempStore([notes]);
  const { store, path } = temp;
  const checkpointer = new Checkpointer(store.db, `${path}.d/nowhere.db`, {
    clock,
    closing: store.closing,
    displaced: () => false,
    pause: () => {},
  });
  using _own = store.checkpointer.hold();
  await store.write(() => addNotes(store, 1_000));
  checkpointer.committed();
  assert.equal(checkpointer.busy, true);
  await until(() => !checkpointer.busy, "its end");
  assert.equal(threshold(store), 400);
  checkpointer.committed();
  assert.equal(checkpointer.busy, false);
  await clock.advance(60_000);
  checkpointer.committed();
  assert.equal(checkpointer.busy, true);
  await until(() => !checkpointer.busy, "its end");
});

function waiting(store: Store): number {
  const { log, checkpointed } = logOf(store);
  return log - checkpointed;
}

function logOf({ db }: Store): { log: number; checkpointed: number } {
  const { log, checkpointed } = db.prepare("PRAGMA wal_checkpoint(NOOP)").get()!;
  return { log: Number(log), checkpointed: Number(checkpointed) };
}

function count({ db }: Store): number {
  return Number(db.prepare("SELECT count(*) AS n FROM notes").get()?.n);
}
