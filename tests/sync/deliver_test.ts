import assert from "node:assert/strict";
import { fail } from "../support/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

Deno.test("Delivery takes an answer for the rows it names, not for as many", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a", "b"]);
  bench.cloud.script.push(() => ({ accepted: ["stranger", "b"], rejected: [] }));
  bench.start();
  await bench.requests(1);
  assert.deepEqual(settledNotes(bench.store), ["b"]);
  assert.equal(bench.lane.rows_waiting, 1);
  assert.equal(bench.lane.rows_pushed, 1);
  assert.match(bench.lane.last_error?.message ?? "", /left the others unanswered/);
});

Deno.test("Delivery blames any number of rows as long as others pass in between", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 140);
  const bad = ids.filter((_, index) => index % 2 === 1);
  bench.cloud.behave = (batch, options) =>
    batch.rows.some(({ id }) => bad.includes(id)) ? fail(400)(batch, options) : undefined;
  await bench.begin();
  assert.deepEqual(rejectedNotes(bench.store).map(({ id }) => id), bad);
  assert.equal(settledNotes(bench.store).length, 70);
  assert.equal(bench.lane.state, "connected");
});

Deno.test("Delivery halves on both sides what was too large together", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 8);
  bench.cloud.behave = (batch, options) =>
    batch.rows.length > 4 ? fail(413)(batch, options) : undefined;
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids);
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [8, 4, 4]);
});

Deno.test("Delivery settles a row in whose place the cloud kept its own", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a", "b"]);
  bench.cloud.script.push(() => ({ accepted: ["a"], rejected: [], kept: [{ id: "b" }] }));
  const kept: string[] = [];
  bench.outbox.yieldTo = (rows, at) => {
    kept.push(...rows.map(({ id }) => id));
    bench.outbox.settle(kept, at);
  };
  await bench.begin();
  assert.deepEqual(kept, ["b"]);
  assert.equal(bench.cloud.requests.length, 1);
  assert.equal(bench.lane.rows_pushed, 2);
});
