import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Migration } from "../../src/core/mod.ts";
import { CommitQueue } from "../../src/store/commit_queue.ts";
import { openConnection } from "../../src/store/database.ts";
import { Store, storeErrorKind, type WriteOptions } from "../../src/store/mod.ts";
import { settled } from "../support/fakes/fake_clock.ts";
import { tempDir, tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT UNIQUE)",
};

Deno.test("CommitQueue resolves with what the work returned, once it is committed", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  const id = await store.write(() => insert(store, "a"));
  assert.equal(id, 1);
  using other = reader(path);
  assert.deepEqual(textsOf(other.db), ["a"]);
});

Deno.test("CommitQueue commits the neighbours of a writer that throws, in their order", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const outcomes = await Promise.allSettled([
    store.write(() => insert(store, "a")),
    store.write(() => {
      insert(store, "undone");
      throw new Error("changed my mind");
    }),
    store.write(() => insert(store, "a")),
    store.write(() => insert(store, "b")),
  ]);
  assert.deepEqual(outcomes.map((o) => o.status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  assert.match(String(reasonOf(outcomes[1]!)), /changed my mind/);
  assert.match(String(reasonOf(outcomes[2]!)), /UNIQUE constraint failed/);
  assert.deepEqual(textsOf(store.db), ["a", "b"]);
});

Deno.test("CommitQueue undoes a first writer that throws, and commits those behind it", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  let hooks = 0;
  const outcomes = await Promise.allSettled([
    store.write(() => {
      insert(store, "undone");
      store.afterCommit(() => hooks++);
      throw new Error("changed my mind");
    }),
    store.write(() => insert(store, "a")),
    store.write(() => insert(store, "b")),
  ]);
  assert.deepEqual(outcomes.map((o) => o.status), ["rejected", "fulfilled", "fulfilled"]);
  assert.match(String(reasonOf(outcomes[0]!)), /changed my mind/);
  assert.deepEqual(textsOf(store.db), ["a", "b"]);
  assert.equal(hooks, 0);
});

Deno.test("CommitQueue commits nothing while it is paused, and all that wait afterwards", async () => {
  using dir = tempDir();
  const db = openConnection(`${dir.path}/a.db`);
  db.exec(notes.sql);
  const queue = new CommitQueue(db);
  const pause = Promise.withResolvers<void>();
  const written = Promise.all(["a", "b"].map((text, n) =>
    queue.write(() => {
      db.prepare("INSERT INTO notes (n, text) VALUES (?, ?)").run(n, text);
    }, { durable: n === 1 })
  ));
  queue.pause(pause.promise);
  await settled();
  assert.deepEqual(textsOf(db), []);
  pause.resolve();
  await written;
  assert.deepEqual(textsOf(db), ["a", "b"]);
  queue.close();
  db.close();
});

Deno.test("CommitQueue resolves what is committed, whatever a listener throws", async () => {
  using dir = tempDir();
  const db = openConnection(`${dir.path}/a.db`);
  db.exec(notes.sql);
  const thrower = () => {
    throw new Error("a listener's defect");
  };
  const queue = new CommitQueue(db, { onCommitted: thrower, onFailed: thrower });
  const add = db.prepare("INSERT INTO notes (text) VALUES (?)");
  const written = queue.write(() => {
    queue.afterCommit(thrower);
    add.run("a");
  });
  await written;
  await assert.rejects(queue.write(() => add.run("a")), /UNIQUE/);
  await queue.write(() => add.run("b"), { durable: true });
  assert.deepEqual(textsOf(db), ["a", "b"]);
  queue.close();
  db.close();
});

Deno.test("CommitQueue commits everyone who waits in one transaction", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  using other = reader(path);
  // The other connection's data_version changes with every transaction that it sees committed.
  const version = other.db.prepare("PRAGMA data_version");
  const seen = new Set([version.get()?.data_version]);
  await Promise.all(["a", "b", "c"].map(async (text) => {
    await store.write(() => insert(store, text));
    seen.add(version.get()?.data_version);
  }));
  assert.equal(seen.size, 2);
});

Deno.test("CommitQueue answers a durable writer once the disk has it, and others at once", async () => {
  using queue = syncedQueue();
  const { events, write, disk } = queue;
  const durable = write("durable", { durable: true });
  await write("other");
  assert.deepEqual(events, ["other"]);
  assert.deepEqual(textsOf(queue.db), ["durable", "other"]);
  disk.takes();
  await durable;
  assert.deepEqual(events, ["other", "durable"]);
});

Deno.test("CommitQueue commits those together that ask for the disk while it is busy", async () => {
  using queue = syncedQueue();
  const { write, disk } = queue;
  const first = write("a", { durable: true });
  await write("b");
  const late = [write("c", { durable: true }), write("d", { durable: true }), write("e")];
  // Whoever comes behind a durable writer keeps its place.
  await macrotasks(10);
  assert.deepEqual(textsOf(queue.db), ["a", "b"]);
  disk.takes();
  await first;
  await late[2];
  assert.deepEqual(textsOf(queue.db), ["a", "b", "c", "d", "e"]);
  assert.equal(disk.asked, 2);
  disk.takes();
  await Promise.all(late);
});

Deno.test("CommitQueue rejects durable writes that the disk does not take", async () => {
  using queue = syncedQueue();
  const { write, disk } = queue;
  const outcome = write("a", { durable: true }).catch(storeErrorKind);
  await write("b");
  disk.fails();
  assert.equal(await outcome, "io");
  const again = write("c", { durable: true });
  await until(() => disk.asked === 2, "the disk to be asked again");
  disk.takes();
  await again;
});

Deno.test("CommitQueue asks nothing of the disk for a durable writer that was undone", async () => {
  using queue = syncedQueue();
  const outcome = queue.queue.write(() => assert.fail("undone"), { durable: true });
  await assert.rejects(outcome, /undone/);
  assert.equal(queue.disk.asked, 0);
});

Deno.test("CommitQueue waits for the disk in place where it cannot be asked beside", async () => {
  const db = openConnection(":memory:");
  const queue = new CommitQueue(db);
  const FULL = 2, NORMAL = 1;
  const level = () => Number(db.prepare("PRAGMA synchronous").get()?.synchronous);
  assert.deepEqual(
    await Promise.all([queue.write(level), queue.write(level, { durable: true })]),
    [FULL, FULL],
  );
  assert.equal(await queue.write(level), NORMAL);
  await queue.write(() => assert.fail("undone"), { durable: true }).catch(() => {});
  assert.equal(level(), NORMAL);
  queue.close();
  db.close();
});

Deno.test("A store that closes answers durable writers that it still commits", async () => {
  using dir = tempDir();
  const store = new Store(`${dir.path}/clockblock.db`, { migrations: [notes] });
  const inserted = Promise.all([
    store.write(() => insert(store, "a"), { durable: true }),
    macrotasks(1).then(() => store.write(() => insert(store, "b"), { durable: true })),
  ]);
  await macrotasks(1);
  store.close();
  assert.deepEqual(await inserted, [1, 2]);
  using other = reader(`${dir.path}/clockblock.db`);
  assert.deepEqual(textsOf(other.db), ["a", "b"]);
});

Deno.test("CommitQueue gives the event loop back between slices of a long queue", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const spinMs = 1;
  const groups: number[] = [];
  let group = 0;
  const writes = Array.from({ length: 20 }, () =>
    store.write(() => {
      spin(spinMs);
      group++;
      store.afterCommit(() => {
        if (group > 0) groups.push(group);
        group = 0;
      });
    }));
  await Promise.all(writes);
  assert.equal(groups.reduce((sum, size) => sum + size), 20);
  assert.ok(Math.max(...groups) <= 5, `a slice took ${Math.max(...groups)} writers of 1 ms`);
});

Deno.test("CommitQueue lets requests be answered while it has more to do than it can", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(),
  );
  const ask = async () =>
    await (await fetch(`http://127.0.0.1:${server.addr.port}`)).body?.cancel();
  await ask();
  let busy = true;
  const written = Promise.all(Array.from({ length: 100 }, () => store.write(() => spin(4))))
    .then(() => busy = false);
  let answers = 0;
  for (; busy; answers++) await ask();
  await written;
  await server.shutdown();
  assert.ok(answers >= 10, `${answers} answers in 100 slices of 4 ms`);
});

Deno.test("CommitQueue keeps the order of 10 000 writers", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const ids = await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => store.write(() => insert(store, `note ${i}`))),
  );
  assert.ok(ids.every((id, i) => id === i + 1));
});

Deno.test("CommitQueue commits what waits when it closes, and takes nothing afterwards", async () => {
  using dir = tempDir();
  const db = openConnection(`${dir.path}/a.db`);
  db.exec(notes.sql);
  const queue = new CommitQueue(db);
  const insertNote = db.prepare("INSERT INTO notes (text) VALUES (?)");
  const waiting = queue.write(() => insertNote.run("late"));
  queue.close();
  assert.deepEqual(textsOf(db), ["late"]);
  await waiting;
  await assert.rejects(queue.write(() => insertNote.run("too late")), /the database is closed/);
  db.close();
});

Deno.test("CommitQueue waits for another program's lock without holding the event loop", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const waiting = store.write(() => insert(store, "patient"));
  let settled = false;
  const settling = waiting.then(() => settled = true, () => settled = true);
  // How long one look at the lock holds the loop.
  assert.equal(store.db.prepare("PRAGMA busy_timeout").get()?.timeout, 5);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(settled, false);
  assert.deepEqual(textsOf(store.db), []);
  other.close();
  await settling;
  assert.deepEqual(textsOf(store.db), ["patient"]);
});

Deno.test("CommitQueue fails its writers when another program's lock stays", async () => {
  using dir = tempDir();
  const db = openConnection(`${dir.path}/a.db`);
  db.exec(notes.sql);
  db.exec("PRAGMA busy_timeout=1");
  const queue = new CommitQueue(db, { busyPatienceMs: 40 });
  const other = new DatabaseSync(`${dir.path}/a.db`);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(
    queue.write(() => {}),
    (error: Error) => storeErrorKind(error) === "busy" && /Close that program/.test(error.message),
  );
  other.close();
  await queue.write(() => {});
  queue.close();
  db.close();
});

Deno.test("CommitQueue calls afterCommit for what is committed only, before the writer goes on", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const events: string[] = [];
  const note = (what: string) => store.afterCommit(() => events.push(what));
  await Promise.allSettled([
    store.write(() => note("kept")).then(() => events.push("resolved")),
    store.write(() => {
      note("undone");
      throw new Error("changed my mind");
    }),
  ]);
  assert.deepEqual(events, ["kept", "resolved"]);
  assert.throws(() => note("outside"), /no write is running/);
});

Deno.test("CommitQueue fails those with its reason whose transaction SQLite undid, and commits the others", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  await store.write(() => insert(store, "there"));
  const outcomes = await Promise.allSettled([
    store.write(() => insert(store, "with it")),
    store.write(() => store.db.exec("INSERT OR ROLLBACK INTO notes (text) VALUES ('there')")),
    store.write(() => insert(store, "behind")),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  for (const outcome of outcomes.slice(0, 2)) {
    assert.match(String(reasonOf(outcome)), /UNIQUE constraint failed/);
  }
  assert.deepEqual(textsOf(store.db), ["there", "behind"]);
});

Deno.test("CommitQueue calls the hooks behind one that throws", async () => {
  using temp = tempStore([notes]);
  const { store } = temp;
  const called: string[] = [];
  await store.write(() => {
    store.afterCommit(() => {
      throw new Error("a listener's defect");
    });
    store.afterCommit(() => called.push("behind it"));
    insert(store, "a");
  });
  assert.deepEqual(called, ["behind it"]);
});

Deno.test("CommitQueue commits all that waits when it closes, also more than a slice", async () => {
  using dir = tempDir();
  const db = openConnection(`${dir.path}/a.db`);
  db.exec(String(notes.sql));
  const queue = new CommitQueue(db);
  const add = db.prepare("INSERT INTO notes (text) VALUES (?)");
  const waiting = ["a", "b", "c"].map((text) =>
    queue.write(() => {
      add.run(text);
      spin(5);
    })
  );
  queue.close();
  assert.deepEqual(textsOf(db), ["a", "b", "c"]);
  await Promise.all(waiting);
  db.close();
});

function insert(store: Store, text: string): number {
  return Number(
    store.db.prepare("INSERT INTO notes (text) VALUES (?)").run(text).lastInsertRowid,
  );
}

function textsOf(db: DatabaseSync): unknown[] {
  return db.prepare("SELECT text FROM notes ORDER BY n").all().map((row) => row.text);
}

function reader(path: string): { db: DatabaseSync } & Disposable {
  const db = openConnection(path, { readOnly: true });
  return { db, [Symbol.dispose]: () => db.close() };
}

function reasonOf(outcome: PromiseSettledResult<unknown>): unknown {
  return outcome.status === "rejected" ? outcome.reason : undefined;
}

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** A queue on a database of notes, and a disk that takes what is committed when it is asked to. */
function syncedQueue() {
  const db = openConnection(":memory:");
  db.exec(String(notes.sql));
  const disk = {
    asked: 0,
    takes: () => {},
    fails: () => {},
  };
  const queue = new CommitQueue(db, {
    log: {
      sync() {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        disk.asked++;
        disk.takes = resolve;
        disk.fails = () => reject(new Error("EIO"));
        return promise;
      },
      close() {},
    },
  });
  const events: string[] = [];
  const note = db.prepare("INSERT INTO notes (text) VALUES (?)");
  return {
    queue,
    db,
    disk,
    events,
    async write(text: string, options?: WriteOptions) {
      await queue.write(() => note.run(text), options);
      events.push(text);
    },
    [Symbol.dispose]() {
      queue.close();
      db.close();
    },
  };
}

/** Lets that many turns of the event loop pass. */
async function macrotasks(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
