/**
 * How far a drain goes. That rejected rows are no longer out is not seen from outside: a batch with one of them is
 * never clean, and after such a batch the next is read from the beginning.
 * @module
 */
import assert from "node:assert/strict";
import { VERDICTS } from "../../src/core/mod.ts";
import { fail } from "../support/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

const orphaned = fail(409, { code: "23503", verdict: VERDICTS.orphan });

Deno.test("drain pushes no row more than a round has", async () => {
  await using bench = new SyncBench({ batchSize: 10, roundSize: 25 });
  await addNotes(bench, 60);
  bench.start();
  await bench.passing(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [10, 10, 5, 10, 10, 5, 10]);
});

Deno.test("drain leaves rows that come meanwhile to the next round", async () => {
  await using bench = new SyncBench({ batchSize: 10 });
  await addNotes(bench, 15);
  bench.cloud.behave = async () => {
    await addNotes(bench, [`z${bench.cloud.requests.length}`]);
  };
  await bench.begin();
  // What came during the first batch fits into the second; what came during that does not.
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [10, 6]);
});

Deno.test("drain gives a row all its chances again once the cloud has had it", async () => {
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
