/** Events of the agent itself, in a mode of their own beside those of programs. */
import assert from "node:assert/strict";
import type { AgentEvent } from "../../../src/core/mod.ts";
import { eventsBench, sampleEvent } from "../../support/events.ts";

const EVENT: AgentEvent = {
  ts: "2026-03-02T12:00:00.000Z",
  type: "ALLOWANCE",
  subtype: "USED_UP",
  symbol: null,
  severity: "warning",
  body: "No minutes left today",
  meta: { threshold: 0 },
  idempotency_key: "allowance:pc-1:2026-03-02:0",
};

Deno.test("An event of the agent is in mode clockblock, once by its key, and flushed at once", async () => {
  using bench = eventsBench();
  const { store, stream } = bench;
  let rung = false;
  void stream.schedule.wake!.notified().then(() => rung = true);
  const first = await store.write(() => stream.log!(EVENT));
  assert.equal(await store.write(() => stream.log!(EVENT)), undefined);
  const { meta, ...rest } = EVENT;
  assert.deepEqual(first, {
    ...rest,
    id: first?.["id"],
    seq: 1,
    source: "clockblock",
    meta,
    mode: "clockblock",
  });
  assert.deepEqual(await bench.get("/local/events?mode=clockblock"), [first]);
  assert.equal(rung, true);
  assert.equal(stream.outbox.depth().rows, 1);
  assert.equal(stream.status().events.modes["clockblock"]?.last_seq, 1);
});

Deno.test("An event of the agent shares the fate of the write that it is logged in", async () => {
  using bench = eventsBench();
  const { store, stream } = bench;
  await assert.rejects(store.write(() => {
    stream.log!(EVENT);
    throw new Error("the rest failed");
  }));
  assert.equal(stream.outbox.depth().rows, 0);
  assert.ok(await store.write(() => stream.log!(EVENT)));
});

Deno.test("Programs read mode clockblock and write to it only where it is one of theirs", async () => {
  using bench = eventsBench();
  const event = sampleEvent({ mode: "clockblock" });
  await assert.rejects(bench.post(event), /422.*expected one of paper, live"/);
  const put = await bench.ask("/local/state?mode=clockblock", { method: "PUT", json: {} });
  assert.equal(put.status, 400);
  using named = eventsBench({ config: { modes: ["clockblock"] } });
  assert.equal((await named.post(event)).accepted[0]?.seq, 1);
});
