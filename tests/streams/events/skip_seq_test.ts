import assert from "node:assert/strict";
import type { Store } from "../../../src/store/mod.ts";
import { migrations, skipSeqAfterRestore } from "../../../src/streams/events/mod.ts";
import { eventsBench, sampleEvent } from "../../support/events.ts";
import { tempStore } from "../../support/temp.ts";

const STEP = 1_000_000_000;

/** The number of the first event after a repair of this store. */
async function firstAfterRepair(store: Store): Promise<number> {
  await store.write(() => skipSeqAfterRestore(store));
  using bench = eventsBench({ store });
  return (await bench.post(sampleEvent())).accepted[0]!.seq;
}

/** Has the newest event of `live` another number. */
function renumber(store: Store, seq: number): void {
  store.db.prepare("UPDATE local_events SET seq = ? WHERE mode = 'live'").run(seq);
}

async function withOneEvent(store: Store): Promise<void> {
  using bench = eventsBench({ store });
  await bench.post(sampleEvent());
}

Deno.test("After a repair numbers go on at the next thousand million", async () => {
  using temp = tempStore(migrations);
  await withOneEvent(temp.store);
  assert.equal(await firstAfterRepair(temp.store), STEP + 1);
  assert.equal(await firstAfterRepair(temp.store), 2 * STEP + 1);
});

Deno.test("After a repair of an empty log numbers do not begin at 1", async () => {
  using temp = tempStore(migrations);
  assert.equal(await firstAfterRepair(temp.store), STEP + 1);
});

Deno.test("After a repair of a repaired log without an event numbers are above those of before", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  await store.write(() => skipSeqAfterRestore(store));
  assert.equal(await firstAfterRepair(store), 2 * STEP + 1);
});

Deno.test("After a repair at least half a step is left for numbers that were lost", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  await withOneEvent(store);
  renumber(store, STEP / 2 + 1);
  assert.equal(await firstAfterRepair(store), 2 * STEP + 1);
});

Deno.test("After a repair numbers are above those that the cloud was sent", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  await withOneEvent(store);
  store.db.prepare(
    "INSERT INTO local_flush_log (ts, mode, count, last_seq, status) VALUES (?, 'live', 1, ?, 'ok')",
  ).run("2026-03-02T12:00:00.000Z", 3 * STEP);
  assert.equal(await firstAfterRepair(store), 4 * STEP + 1);
});
