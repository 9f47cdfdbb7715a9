import assert from "node:assert/strict";
import { RemoteError, Warnings } from "../../src/core/mod.ts";
import { LaneRequests } from "../../src/sync/requests.ts";
import { SharedRemote } from "../../src/sync/shared_remote.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { type Behaviour, fail, FakeRemote } from "../support/fakes/fake_remote.ts";
import { addNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

const BATCH = {
  stream: "playtime",
  table: "heartbeats",
  operation: "insert",
  rows: [{ id: "a" }],
} as const;

function setUp({ behave = () => undefined, refreshed }: {
  behave?: Behaviour;
  refreshed?: Promise<boolean>;
} = {}) {
  const clock = new FakeClock();
  const remote = new FakeRemote();
  remote.behave = behave;
  if (refreshed) Object.assign(remote, { refresh: () => refreshed });
  const warnings = new Warnings({ clock });
  const shared = new SharedRemote({ remote, clock, random: () => 0, warnings });
  const requests = new LaneRequests({ shared, clock, timeoutMs: 1_000, onChange: () => {} });
  const stop = new AbortController();
  requests.startRound(stop.signal);
  return { clock, remote, shared, requests, stop };
}

/** A push. @returns whether the remote counts as within reach; undefined where that is not known */
async function reachedAfter(
  behave: Behaviour,
  stopFirst: (stop: AbortController) => void = () => {},
): Promise<boolean | undefined> {
  const { requests, shared, stop } = setUp({
    behave(...given) {
      stopFirst(stop);
      return behave(...given);
    },
  });
  await requests.push(BATCH).catch(() => {});
  return shared.evidence?.reached;
}

Deno.test("LaneRequests takes any answer, also a refusal, for a sign that the remote is there", async () => {
  assert.equal(await reachedAfter(() => undefined), true);
  assert.equal(await reachedAfter(fail(503)), true);
  assert.equal(await reachedAfter(fail()), false);
});

Deno.test("LaneRequests takes a push that the stop cut short for no sign of the remote", async () => {
  assert.equal(await reachedAfter(fail(), (stop) => stop.abort()), undefined);
});

Deno.test("LaneRequests counts requests, and averages how long the successful ones took", async () => {
  const { clock, remote, requests } = setUp({ behave: () => void clock.sleep(100) });
  await requests.push(BATCH);
  assert.equal(requests.meanLatencyMs, 100);
  remote.behave = () => void clock.sleep(200);
  await requests.push(BATCH);
  assert.equal(requests.meanLatencyMs, 120);
  remote.behave = fail(500);
  const succeededAt = requests.lastSuccessAt;
  await clock.sleep(1_000);
  await assert.rejects(requests.push(BATCH));
  assert.deepEqual([requests.count, requests.failed], [3, 1]);
  assert.equal(requests.lastSuccessAt, succeededAt);
  assert.equal(requests.lastAttemptAt, new Date(clock.now()).toISOString());
});

Deno.test("LaneRequests ends a request that has no answer, and says timeout", async () => {
  const { clock, requests } = setUp({ behave: () => new Promise(() => {}) });
  const ended = assert.rejects(requests.push(BATCH), {
    name: "TimeoutError",
    message: "Cannot wait longer for an answer: none in 1 s",
  });
  await clock.advance(1_000);
  await ended;
  assert.equal(clock.sleepers, 0);
});

Deno.test("LaneRequests ends a refresh of the sign-in that has no answer", async () => {
  const { clock, requests } = setUp({ behave: fail(401), refreshed: new Promise(() => {}) });
  const ended = assert.rejects(requests.push(BATCH), { name: "TimeoutError" });
  await clock.advance(1_000);
  await ended;
});

Deno.test("LaneRequests reports the refusal when the sign-in cannot be refreshed", async () => {
  const { remote, requests } = setUp({ behave: fail(401), refreshed: Promise.resolve(false) });
  await assert.rejects(requests.push(BATCH), RemoteError);
  assert.equal(remote.requests.length, 1);
});

Deno.test("LaneRequests refreshes the sign-in once a round, however many requests it is refused for", async () => {
  await using bench = new SyncBench({ batchSize: 1 });
  let refreshes = 0;
  Object.assign(bench.cloud, { refresh: () => Promise.resolve((refreshes++, true)) });
  await addNotes(bench, ["a", "b"]);
  bench.cloud.script.push(fail(401), () => undefined, fail(401));
  await bench.begin();
  assert.equal(refreshes, 1);
  assert.equal(bench.lane.state, "failed");
  assert.equal(bench.lane.rows_waiting, 1);
});
