import assert from "node:assert/strict";
import type { Migration } from "../../../src/core/mod.ts";
import { type Store, type TableOutbox, tableOutbox } from "../../../src/store/mod.ts";
import { tempStore } from "../../support/temp.ts";

const AT = "2026-03-02T12:00:00.000Z";

const beats: Migration = {
  name: "test-1-beats",
  sql: `
    CREATE TABLE beats (id TEXT PRIMARY KEY, at TEXT NOT NULL, playing INTEGER NOT NULL,
      synced_at TEXT, rejected_at TEXT) WITHOUT ROWID;
    CREATE INDEX beats_waiting ON beats (id) WHERE synced_at IS NULL AND rejected_at IS NULL;
    CREATE TABLE news (id TEXT PRIMARY KEY, mode TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL,
      flushed INTEGER NOT NULL DEFAULT 0, rejected_at TEXT, UNIQUE (mode, seq));
    CREATE INDEX news_waiting ON news (seq, mode) WHERE flushed = 0 AND rejected_at IS NULL;
  `,
};

const ticks: Migration = {
  name: "test-2-ticks",
  sql: `
    CREATE TABLE ticks (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, synced_at TEXT, rejected_at TEXT);
    CREATE INDEX ticks_waiting ON ticks (synced_at, rejected_at)
      WHERE synced_at IS NULL AND rejected_at IS NULL;
    CREATE INDEX ticks_rejected ON ticks (id) WHERE rejected_at IS NOT NULL;
  `,
};

Deno.test("tableOutbox gives out what waits, oldest first, as the cloud wants it", async () => {
  using temp = tempStore([beats]);
  const outbox = beatsOutbox(temp.store);
  await insert(temp.store, outbox, ["b", "a", "c"]);
  assert.deepEqual(outbox.pending(2), {
    stream: "playtime",
    table: "heartbeats",
    operation: "insert",
    rows: [{ id: "a", playing: true }, { id: "b", playing: true }],
  });
  assert.deepEqual(outbox.depth(), { rows: 3, oldest: "at-a" });
});

Deno.test("tableOutbox gives out the next rows while the first are being settled", async () => {
  using temp = tempStore([beats]);
  const outbox = beatsOutbox(temp.store);
  await insert(temp.store, outbox, ["a", "b", "c", "d"]);
  const ahead = outbox.pendingAfter?.(2, 5).rows.map(({ id }) => id);
  assert.deepEqual(ahead, ["c", "d"]);
  await temp.store.write(() => outbox.settle(["a", "b"], AT));
  assert.deepEqual(idsOf(outbox), ["c", "d"]);
});

Deno.test("tableOutbox gives out what comes after rows that were passed over, until it starts over", async () => {
  using temp = tempStore([beats]);
  const outbox = beatsOutbox(temp.store);
  await insert(temp.store, outbox, ["a", "b", "c", "d", "e"]);
  outbox.pending(3);
  outbox.passOver?.(["a", "b"]);
  assert.deepEqual(idsOf(outbox), ["c", "d", "e"]);
  assert.deepEqual(outbox.pendingAfter?.(1, 5).rows.map(({ id }) => id), ["d", "e"]);
  await insert(temp.store, outbox, ["f"]);
  assert.deepEqual(idsOf(outbox), ["c", "d", "e", "f"]);
  assert.equal(outbox.depth().rows, 6);
  outbox.startOver?.();
  assert.deepEqual(idsOf(outbox), ["a", "b", "c", "d", "e", "f"]);
});

Deno.test("tableOutbox passes over what its key finds, also when the last of it is gone", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await store.write(() => {
    const add = store.db.prepare("INSERT INTO ticks (id) VALUES (?)");
    for (const id of ["a", "b", "c", "d"]) add.run(id);
    outbox.added(4);
  });
  outbox.pending(3);
  await store.write(() => void store.db.exec("DELETE FROM ticks WHERE id = 'c'"));
  outbox.passOver?.(["a", "b", "c"]);
  assert.deepEqual(idsOf(outbox), ["d"]);
  const [plan] = store.db.prepare(
    `EXPLAIN QUERY PLAN SELECT id FROM ticks INDEXED BY ticks_waiting
     WHERE synced_at IS NULL AND rejected_at IS NULL AND (seq) > (?) ORDER BY seq LIMIT 5 OFFSET 0`,
  ).all(2);
  assert.match(String(plan?.detail), /rowid>\?/);
});

Deno.test("tableOutbox settles by instant, and ignores ids that are unknown or settled", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a", "b", "c"]);
  await store.write(() => outbox.settle(["a", "b", "nobody"], AT));
  await store.write(() => outbox.settle(["a"], "2027-01-01T00:00:00.000Z"));
  assert.deepEqual(idsOf(outbox), ["c"]);
  assert.deepEqual(outbox.depth(), { rows: 1, oldest: "at-c" });
  assert.equal(store.db.prepare("SELECT synced_at FROM beats WHERE id = 'a'").get()?.synced_at, AT);
});

Deno.test("tableOutbox settles by flag and orders by several columns", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = tableOutbox(store, {
    stream: "events",
    table: "news",
    remoteTable: "zoe_events",
    index: "news_waiting",
    order: ["seq", "mode"],
    columns: ["mode", "seq"],
    instant: "at",
    settled: "flushed",
  });
  await store.write(() => {
    const add = store.db.prepare("INSERT INTO news (id, mode, seq, at) VALUES (?, ?, ?, ?)");
    add.run("z", "paper", 1, "t1");
    add.run("y", "live", 2, "t2");
    add.run("x", "live", 1, "t1");
    outbox.added(3);
  });
  assert.deepEqual(idsOf(outbox), ["x", "z", "y"]);
  await store.write(() => outbox.settle(["x"], AT));
  assert.deepEqual(idsOf(outbox), ["z", "y"]);
  assert.equal(store.db.prepare("SELECT flushed FROM news WHERE id = 'x'").get()?.flushed, 1);
});

Deno.test("tableOutbox finds rows by their key where ids have no index", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await insertTicks(store, outbox, ["d", "c", "b", "a"]);
  assert.deepEqual(idsOf(outbox), ["d", "c", "b", "a"]);
  await store.write(() => outbox.settle(["c", "nobody"], AT));
  await store.write(() =>
    outbox.reject([{ id: "b", message: "no" }, { id: "c", message: "no" }], AT)
  );
  assert.deepEqual(idsOf(outbox), ["d", "a"]);
  assert.equal(outbox.depth().rows, 2);
  assert.equal(store.rejected.count("playtime"), 1);
  await store.write(() => outbox.readmit(["b"]));
  assert.deepEqual(idsOf(outbox), ["d", "b", "a"]);
  await store.write(() => outbox.settle(["d", "b", "a"], AT));
  assert.deepEqual(outbox.depth(), { rows: 0, oldest: null });
  assert.equal(store.rejected.count("playtime"), 0);
});

Deno.test("tableOutbox still knows a row's key after the writer that settled it was undone", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await insertTicks(store, outbox, ["a"]);
  outbox.pending(1);
  await assert.rejects(store.write(() => {
    outbox.settle(["a"], AT);
    throw new Error("undone");
  }));
  assert.equal(outbox.depth().rows, 1);
  await store.write(() => outbox.settle(["a"], AT));
  assert.equal(outbox.depth().rows, 0);
});

Deno.test("tableOutbox does not take a new row for a deleted one whose key it got", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await insertTicks(store, outbox, ["old"]);
  outbox.pending(1);
  // Retention deletes the row while it is on its way; the table is empty, so its key is free again.
  await Promise.all([
    store.write(() => outbox.removed(Number(store.db.prepare("DELETE FROM ticks").run().changes))),
    insertTicks(store, outbox, ["new"]),
    store.write(() => outbox.settle(["old"], AT)),
  ]);
  assert.deepEqual(idsOf(outbox), ["new"]);
  assert.equal(outbox.depth().rows, 1);
});

Deno.test("tableOutbox sends changed rows again: those it had sent, and those on their way", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await store.write(() => {
    store.db.exec("INSERT INTO ticks (id) VALUES ('a'), ('b'), ('c')");
    outbox.added(3);
  });
  outbox.pending(1);
  await store.write(() => outbox.settle(["a"], AT));
  const onTheirWay = outbox.pending(2).rows.map(({ id }) => id);
  await store.write(() => {
    store.db.exec("UPDATE ticks SET synced_at = NULL WHERE id IN ('a', 'b')");
    outbox.changed(["a", "b"], 1);
  });
  await store.write(() => outbox.settle(onTheirWay, AT));
  assert.deepEqual(idsOf(outbox), ["a", "b"]);
  assert.equal(outbox.depth().rows, 2);
});

Deno.test("tableOutbox sends a row again that changed on its way, also where the id is the key", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a", "b"]);
  assert.deepEqual(idsOf(outbox), ["a", "b"]);
  await store.write(() => outbox.changed(["a"], 0));
  await store.write(() => {
    outbox.settle(["a", "b"], AT);
    outbox.reject([{ id: "a", message: "as it was before" }], AT);
  });
  assert.deepEqual(idsOf(outbox), ["a"]);
  await store.write(() => outbox.settle(["a"], AT));
  assert.deepEqual(outbox.depth(), { rows: 0, oldest: null });
  assert.equal(store.rejected.count("playtime"), 0);
});

Deno.test("tableOutbox settles by key, not by looking through the table", () => {
  using temp = tempStore([ticks]);
  const { db } = temp.store;
  const plan = (sql: string) =>
    db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => detail).join("; ");
  const waiting = "synced_at IS NULL AND rejected_at IS NULL";
  assert.match(
    plan(
      `UPDATE ticks SET synced_at = ? WHERE seq IN (SELECT value FROM json_each(?)) AND ${waiting}`,
    ),
    /ticks_waiting \(.*rowid=\?\)|INTEGER PRIMARY KEY \(rowid=\?\)/,
  );
  assert.match(
    plan(`SELECT count(*) FROM ticks INDEXED BY ticks_waiting WHERE ${waiting} AND (seq) > (?)`),
    /COVERING INDEX ticks_waiting \(synced_at=\? AND rejected_at=\? AND rowid>\?\)/,
  );
});

Deno.test("tableOutbox keeps a rejected row with its reason, and lets traffic pass", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a", "b"]);
  await store.write(() =>
    outbox.reject([{ id: "a", status: 400, code: "22P02", message: "no such day" }], AT)
  );
  assert.deepEqual(idsOf(outbox), ["b"]);
  assert.equal(outbox.depth().rows, 1);
  assert.deepEqual({ ...store.db.prepare("SELECT * FROM sync_rejected").get() }, {
    stream: "playtime",
    table_name: "heartbeats",
    row_id: "a",
    payload: '{"id":"a","playing":true}',
    status: 400,
    code: "22P02",
    message: "no such day",
    attempts: 1,
    first_at: AT,
    last_at: AT,
    readmitted: 0,
  });
});

Deno.test("tableOutbox counts the attempts of a row that is rejected again after it was readmitted", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  const later = "2026-03-03T12:00:00.000Z";
  await insert(store, outbox, ["a"]);
  await store.write(() => outbox.reject([{ id: "a", message: "first" }], AT));
  await store.write(() => outbox.readmit(["a"]));
  assert.deepEqual(idsOf(outbox), ["a"]);
  assert.equal(outbox.depth().rows, 1);
  await store.write(() => outbox.reject([{ id: "a", message: "second" }], later));
  const kept = store.db.prepare(
    "SELECT message, attempts, first_at, last_at FROM sync_rejected",
  ).get();
  assert.deepEqual({ ...kept }, { message: "second", attempts: 2, first_at: AT, last_at: later });
});

Deno.test("tableOutbox forgets the rejection of a readmitted row once the cloud accepts it", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a"]);
  await store.write(() => outbox.reject([{ id: "a", message: "no" }], AT));
  await store.write(() => outbox.readmit(["a"]));
  await store.write(() => outbox.settle(["a"], AT));
  assert.equal(store.db.prepare("SELECT count(*) AS n FROM sync_rejected").get()?.n, 0);
});

Deno.test("tableOutbox never sends a discarded row, not even when it is asked to readmit it", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a"]);
  await store.write(() => outbox.reject([{ id: "a", message: "no" }], AT));
  await store.write(() => outbox.discard(["a"]));
  await store.write(() => outbox.readmit(["a"]));
  assert.deepEqual(idsOf(outbox), []);
  assert.equal(outbox.depth().rows, 0);
  assert.equal(store.db.prepare("SELECT count(*) AS n FROM sync_rejected").get()?.n, 0);
  assert.equal(store.db.prepare("SELECT count(*) AS n FROM beats").get()?.n, 1);
});

Deno.test("tableOutbox does not count what a failing writer undid", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  const outbox = beatsOutbox(store);
  await insert(store, outbox, ["a", "b"]);
  const outcomes = await Promise.allSettled([
    store.write(() => {
      outbox.settle(["a", "b"], AT);
      throw new Error("changed my mind");
    }),
    insert(store, outbox, ["c"]),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "fulfilled"]);
  assert.deepEqual(outbox.depth(), { rows: 3, oldest: "at-a" });
});

Deno.test("tableOutbox counts a large backlog in the background while rows come and go", async () => {
  using temp = tempStore([beats]);
  const { store } = temp;
  await store.write(() =>
    store.db.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
       INSERT INTO beats (id, at, playing) SELECT printf('m%07d', i), 'then', 1 FROM n`,
    ).run()
  );
  const outbox = beatsOutbox(store);
  // Rows before, inside and behind the place that the count has reached.
  await insert(store, outbox, ["a", "m0030000x", "z"]);
  await store.write(() => outbox.settle(["m0000001", "m0059999", "z"], AT));
  await outbox.counted;
  assert.deepEqual(outbox.depth(), { rows: 60_000, oldest: "at-a" });
});

Deno.test("tableOutbox counts off a range only what still waits of it", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await insertTicks(store, outbox, ["a", "b", "c", "d"]);
  assert.deepEqual(idsOf(outbox), ["a", "b", "c", "d"]);
  const later = "2027-01-01T00:00:00.000Z";
  await store.write(() => {
    outbox.settle(["a", "b"], AT);
    outbox.reject([{ id: "c", message: "no" }], AT);
    outbox.settle(["a", "b", "c"], later);
  });
  assert.deepEqual(outbox.depth(), { rows: 1, oldest: "d" });
  const stamps = store.db.prepare("SELECT synced_at FROM ticks ORDER BY seq").all();
  assert.deepEqual(stamps.map(({ synced_at }) => synced_at), [AT, AT, null, null]);
});

Deno.test("tableOutbox settles rows with one between them that was not accepted", async () => {
  using temp = tempStore([ticks]);
  const { store } = temp;
  const outbox = ticksOutbox(store);
  await insertTicks(store, outbox, ["a", "b", "c"]);
  outbox.pending(3);
  await store.write(() => outbox.settle(["a", "c"], AT));
  assert.deepEqual(idsOf(outbox), ["b"]);
});

function beatsOutbox(store: Store): TableOutbox {
  return tableOutbox(store, {
    stream: "playtime",
    table: "beats",
    remoteTable: "heartbeats",
    index: "beats_waiting",
    columns: ["playing"],
    row: ({ id, playing }) => ({ id: String(id), playing: playing === 1 }),
    instant: "at",
  });
}

async function insert(store: Store, outbox: TableOutbox, ids: readonly string[]): Promise<void> {
  await store.write(() => {
    const add = store.db.prepare("INSERT INTO beats (id, at, playing) VALUES (?, ?, 1)");
    for (const id of ids) add.run(id, `at-${id}`);
    outbox.added(ids.length);
  });
}

function ticksOutbox(store: Store): TableOutbox {
  return tableOutbox(store, {
    stream: "playtime",
    table: "ticks",
    remoteTable: "heartbeats",
    index: "ticks_waiting",
    key: "seq",
    columns: [],
    row: ({ id }) => ({ id: String(id) }),
    instant: "id",
  });
}

async function insertTicks(
  store: Store,
  outbox: TableOutbox,
  ids: readonly string[],
): Promise<void> {
  await store.write(() => {
    const add = store.db.prepare("INSERT INTO ticks (id) VALUES (?)");
    for (const id of ids) add.run(id);
    outbox.added(ids.length);
  });
}

function idsOf(outbox: TableOutbox): string[] {
  return outbox.pending(100).rows.map(({ id }) => id);
}
