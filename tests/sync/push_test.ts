/**
 * What a push sends, in which parts, and what it settles. That rejected rows count as settled is not visible from
 * outside: a batch with one of them is never clean, and after such a batch the next is read from the beginning.
 * @module
 */
import assert from "node:assert/strict";
import { VERDICTS } from "../../src/core/mod.ts";
import { fail } from "../support/fakes/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

const orphaned = fail(409, { code: "23503", verdict: VERDICTS.orphan });

Deno.test("OutboxPusher takes an answer for the rows it names, not for as many", async () => {
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

Deno.test("OutboxPusher blames any number of rows as long as others pass in between", async () => {
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

Deno.test("OutboxPusher halves on both sides what was too large together", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 8);
  bench.cloud.behave = (batch, options) =>
    batch.rows.length > 4 ? fail(413)(batch, options) : undefined;
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids);
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [8, 4, 4]);
});

Deno.test("OutboxPusher settles a row in whose place the cloud kept its own", async () => {
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

Deno.test("OutboxPusher pushes no row more than a round has", async () => {
  await using bench = new SyncBench({ batchSize: 10, roundSize: 25 });
  await addNotes(bench, 60);
  bench.start();
  await bench.passing(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [10, 10, 5, 10, 10, 5, 10]);
});

Deno.test("OutboxPusher leaves rows that come meanwhile to the next round", async () => {
  await using bench = new SyncBench({ batchSize: 10 });
  await addNotes(bench, 15);
  bench.cloud.behave = async () => {
    await addNotes(bench, [`z${bench.cloud.requests.length}`]);
  };
  await bench.begin();
  // What came during the first batch fits into the second; what came during that does not.
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [10, 6]);
});

Deno.test("OutboxPusher gives a row all its chances again once the cloud has had it", async () => {
  await using bench = new SyncBench({ random: () => 0 });
  await addNotes(bench, ["a"]);
  bench.cloud.behave = orphaned;
  await bench.begin();
  for (let tries = 2; tries <= 7; tries++) await bench.engine.now();
  bench.cloud.behave = () => undefined;
  await bench.engine.now();
  assert.deepEqual(settledNotes(bench.store), ["a"]);
  // As punches are whose device gets another time zone.
  await bench.store.write(() => {
    bench.store.db.exec("UPDATE notes SET synced_at = NULL");
    bench.outbox.added(1);
  });
  bench.cloud.behave = orphaned;
  await bench.engine.now();
  assert.deepEqual(rejectedNotes(bench.store), []);
  for (let tries = 2; tries <= 8; tries++) await bench.engine.now();
  assert.deepEqual(rejectedNotes(bench.store).map(({ id }) => id), ["a"]);
});
