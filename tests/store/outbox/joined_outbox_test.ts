import assert from "node:assert/strict";
import type { Migration, Outbox } from "../../../src/core/mod.ts";
import { joinedOutbox, type Store, type TableOutbox, tableOutbox } from "../../../src/store/mod.ts";
import { tempStore } from "../../support/temp.ts";

const AT = "2026-03-02T12:00:00.000Z";
const TABLES = ["few", "some", "many"];

const tables: Migration = {
  name: "test-1-tables",
  sql: TABLES.map((table) => `
    CREATE TABLE ${table} (id TEXT PRIMARY KEY, at TEXT NOT NULL, synced_at TEXT, rejected_at TEXT);
    CREATE INDEX ${table}_waiting ON ${table} (id) WHERE synced_at IS NULL AND rejected_at IS NULL;
  `).join(""),
};

function openJoined(store: Store): { outbox: Outbox; parts: TableOutbox[] } {
  const parts = TABLES.map((table) =>
    tableOutbox(store, {
      ...{ stream: "attendance", table, remoteTable: `cloud_${table}` },
      ...{ index: `${table}_waiting`, columns: [], instant: "at" },
    })
  );
  return { outbox: joinedOutbox(store, { stream: "attendance", parts }), parts };
}

/** Rows `few-1`, `few-2`, … of each table. */
async function insert(store: Store, parts: TableOutbox[], counts: readonly number[]) {
  await store.write(() =>
    counts.forEach((count, at) => {
      const add = store.db.prepare(`INSERT INTO ${TABLES[at]} (id, at) VALUES (?, ?)`);
      for (let n = 1; n <= count; n++) add.run(`${TABLES[at]}-${n}`, `t${9 - at}`);
      parts[at]!.added(count);
    })
  );
}

Deno.test("joinedOutbox gives out one table after the other, each row once while others are in flight", async () => {
  using temp = tempStore([tables]);
  const { store } = temp;
  const { outbox, parts } = openJoined(store);
  await insert(store, parts, [3, 2, 2]);
  assert.deepEqual(outbox.depth(), { rows: 7, oldest: "t7" });
  assert.deepEqual(outbox.tables, ["cloud_few", "cloud_some", "cloud_many"]);
  const batches = [outbox.pending(2)];
  for (let given = 2; given < 7; given += batches.at(-1)!.rows.length) {
    batches.push(outbox.pendingAfter!(given, 2));
  }
  assert.deepEqual(batches.map(({ table, rows }) => [table, ...rows.map(({ id }) => id)]), [
    ["cloud_few", "few-1", "few-2"],
    ["cloud_few", "few-3"],
    ["cloud_some", "some-1", "some-2"],
    ["cloud_many", "many-1", "many-2"],
  ]);
  await store.write(() =>
    outbox.settle(batches.flatMap(({ rows }) => rows.map(({ id }) => id)), AT)
  );
  assert.deepEqual(outbox.depth(), { rows: 0, oldest: null });
});

Deno.test("joinedOutbox takes an answer for the row that was given out, not for another table's of the same id", async () => {
  using temp = tempStore([tables]);
  const { store } = temp;
  const { outbox, parts } = openJoined(store);
  await insert(store, parts, [1, 0, 1]);
  store.db.exec("UPDATE many SET id = 'few-1'");
  const { rows: [first] } = outbox.pending(1);
  outbox.pendingAfter!(1, 1);
  await store.write(() => outbox.settle([first!.id], AT));
  assert.deepEqual(parts.map((part) => part.depth().rows), [0, 0, 1]);
});

Deno.test("joinedOutbox leaves out the tables that are to be skipped", async () => {
  using temp = tempStore([tables]);
  const { store } = temp;
  const { outbox, parts } = openJoined(store);
  await insert(store, parts, [1, 1, 1]);
  const skip = new Set(["cloud_few"]);
  assert.equal(outbox.pending(9, { skip }).table, "cloud_some");
  skip.add("cloud_some");
  assert.equal(outbox.pending(9, { skip }).table, "cloud_many");
  assert.equal(outbox.pending(9).table, "cloud_few");
});

Deno.test("joinedOutbox passes over rows of one table alone, until it starts over", async () => {
  using temp = tempStore([tables]);
  const { store } = temp;
  const { outbox, parts } = openJoined(store);
  await insert(store, parts, [2, 0, 1]);
  outbox.passOver!(outbox.pending(9).rows.map(({ id }) => id));
  assert.deepEqual(outbox.pending(9).rows.map(({ id }) => id), ["many-1"]);
  outbox.startOver!();
  assert.deepEqual(outbox.pending(1).rows.map(({ id }) => id), ["few-1"]);
});

Deno.test("joinedOutbox decides about a rejected row in the table that it is of", async () => {
  using temp = tempStore([tables]);
  const { store } = temp;
  const { outbox, parts } = openJoined(store);
  await insert(store, parts, [1, 1, 1]);
  const ids = TABLES.map((table) => `${table}-1`);
  let given = outbox.pending(1).rows.length;
  while (given < 3) given += outbox.pendingAfter!(given, 1).rows.length;
  await store.write(() => outbox.reject(ids.map((id) => ({ id, message: "no" })), AT));
  assert.deepEqual([outbox.depth().rows, store.rejected.count("attendance")], [0, 3]);
  await store.write(() => {
    outbox.discard(["few-1"]);
    outbox.readmit(["few-1", "some-1", "many-1"]);
  });
  assert.deepEqual([outbox.depth().rows, store.rejected.count("attendance")], [2, 0]);
  assert.deepEqual(parts.map((part) => part.depth().rows), [0, 1, 1]);
});
