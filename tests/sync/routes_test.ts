import assert from "node:assert/strict";
import type { SyncStatus } from "../../src/contract/sync.ts";
import { testApi } from "../support/api.ts";
import { fail, poison } from "../support/fakes/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";
import { until } from "../support/until.ts";

Deno.test("GET /sync/status says how each lane stands", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  bench.cloud.behave = fail(404, { code: "PGRST205" });
  await addNotes(bench, ["a"]);
  await bench.begin();
  const status = await json<SyncStatus>(api.ask("/sync/status"));
  assert.equal(status.state, "failed");
  assert.equal(status.online, true);
  assert.equal(status.clock_offset_ms, 0);
  const [lane] = status.lanes;
  assert.equal(lane?.stream, "playtime");
  assert.equal(lane?.remote, "fake cloud");
  assert.equal(lane?.rows_waiting, 1);
  assert.equal(lane?.requests_failed, 1);
  assert.deepEqual([lane?.last_error?.status, lane?.last_error?.code], [404, "PGRST205"]);
});

Deno.test("GET /sync/status is disabled, and online null, without a cloud", async () => {
  await using bench = new SyncBench({ remote: null });
  using api = apiOf(bench);
  await addNotes(bench, ["a"]);
  const status = await json<SyncStatus>(api.ask("/sync/status"));
  assert.deepEqual([status.state, status.online, status.lanes[0]?.rows_waiting], [
    "disabled",
    null,
    1,
  ]);
});

Deno.test("POST /sync/now drains, and answers when it is done", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await bench.begin();
  await addNotes(bench, ["a"]);
  const response = await api.ask("/sync/now?stream=playtime", { method: "POST" });
  const { done, sync } = await response.json();
  assert.deepEqual([response.status, done, sync.lanes[0].rows_waiting], [200, true, 0]);
});

Deno.test("POST /sync/now answers how it stands when the drain takes longer", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await bench.begin();
  await addNotes(bench, ["a"]);
  const answer = Promise.withResolvers<void>();
  bench.cloud.behave = async () => await answer.promise;
  const asked = api.ask("/sync/now", { method: "POST" });
  await until(() => bench.cloud.requests.length === 1);
  await bench.clock.advance(2_000);
  const response = await asked;
  const { done, sync } = await response.json();
  assert.deepEqual([response.status, done, sync.state], [202, false, "syncing"]);
  answer.resolve();
});

Deno.test("POST /sync/now says what is missing when there is no cloud", async () => {
  await using bench = new SyncBench({ remote: null });
  using api = apiOf(bench);
  const response = await api.ask("/sync/now", { method: "POST" });
  assert.equal(response.status, 409);
  assert.match((await response.json()).detail, /set endpoint_url/);
});

for (const path of ["/sync/now?stream=records", "/sync/now?streams=playtime"]) {
  Deno.test(`POST ${path} is refused`, async () => {
    await using bench = new SyncBench();
    using api = apiOf(bench);
    assert.equal((await api.ask(path, { method: "POST" })).status, 400);
  });
}

Deno.test("GET /sync/rejected pages through rejected rows, newest first", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await withRejected(bench, ["n0001", "n0002", "n0003"]);
  const first = await api.ask("/sync/rejected?limit=2&stream=playtime");
  const rows = await first.json();
  assert.deepEqual(rows.map(({ id }: { id: string }) => id), ["n0003", "n0002"]);
  assert.deepEqual(
    [rows[0].status, rows[0].code, rows[0].message, rows[0].table, rows[0].row.body],
    [422, "E1", "no good", "heartbeats", "x"],
  );
  const next = /<(.*)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1];
  const second = await api.ask(next!);
  const rest = await second.json();
  assert.deepEqual(rest.map(({ id }: { id: string }) => id), ["n0001"]);
  assert.equal(second.headers.get("link"), null);
});

Deno.test("POST /sync/rejected/retry has rows tried again at once", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await withRejected(bench, ["n0001", "n0002"]);
  bench.cloud.behave = () => undefined;
  const answer = await json(api.ask("/sync/rejected/retry", {
    method: "POST",
    json: { stream: "playtime", ids: ["n0002", "nobody"] },
  }));
  assert.deepEqual(answer, { readmitted: 1 });
  await until(() => settledNotes(bench.store).includes("n0002"));
  assert.deepEqual(rejectedNotes(bench.store).map(({ id }) => id), ["n0001"]);
});

Deno.test("POST /sync/rejected/discard gives all rows up, and ends the warning", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await withRejected(bench, ["n0001", "n0002"]);
  assert.deepEqual(bench.warnings.list().map(({ code }) => code), ["sync.playtime.rejected"]);
  const answer = await json(api.ask("/sync/rejected/discard", {
    method: "POST",
    json: { all: true },
  }));
  assert.deepEqual(answer, { discarded: 2 });
  assert.deepEqual(rejectedNotes(bench.store), []);
  assert.deepEqual(bench.warnings.list(), []);
  await bench.engine.now();
  assert.equal(bench.lane.rows_waiting, 0);
});

Deno.test("POST /sync/rejected/discard takes any number of rows", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  const ids = await addNotes(bench, 450);
  await bench.store.write(() =>
    bench.outbox.reject(ids.map((id) => ({ id, message: "no" })), "2026-03-02T12:00:00.000Z")
  );
  const answer = await json(api.ask("/sync/rejected/discard", {
    method: "POST",
    json: { all: true, stream: "playtime" },
  }));
  assert.deepEqual(answer, { discarded: 450 });
});

for (
  const body of [undefined, {}, { all: false }, { ids: ["a"] }, { stream: "x", ids: [] }, {
    all: true,
    ids: ["a"],
  }]
) {
  Deno.test(`POST /sync/rejected/retry refuses ${JSON.stringify(body)}`, async () => {
    await using bench = new SyncBench();
    using api = apiOf(bench);
    const response = await api.ask("/sync/rejected/retry", { method: "POST", json: body });
    assert.equal(response.status, 400);
  });
}

Deno.test("POST /sync/rejected/retry refuses more ids than it takes, whatever they are", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await withRejected(bench, ["n0001"]);
  const ids = Array.from({ length: 10_001 }, (_, at) => at === 0 ? "n0001" : "nobody");
  for (const body of [{ stream: "playtime", ids }, { stream: "playtime", ids: ids.map(() => 1) }]) {
    const response = await api.ask("/sync/rejected/retry", { method: "POST", json: body });
    assert.equal(response.status, 400);
  }
  assert.deepEqual(rejectedNotes(bench.store).map(({ id }) => id), ["n0001"]);
});

Deno.test("POST /sync/reset ends pauses and tries everything that waits", async () => {
  await using bench = new SyncBench();
  using api = apiOf(bench);
  await withRejected(bench, ["n0001"]);
  bench.cloud.behave = fail(403);
  await addNotes(bench, ["z"]);
  await bench.engine.now();
  bench.cloud.behave = () => undefined;
  await api.ask("/sync/reset", { method: "POST" });
  await until(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(settledNotes(bench.store), ["n0001", "z"]);
  assert.deepEqual(bench.warnings.list(), []);
});

function apiOf(bench: SyncBench) {
  return testApi({ sync: bench.engine, store: bench.store, warnings: bench.warnings });
}

async function json<T = unknown>(response: Promise<Response>): Promise<T> {
  const answered = await response;
  assert.equal(answered.status, 200, await answered.clone().text());
  return await answered.json();
}

/** Has rows rejected by the cloud. */
async function withRejected(bench: SyncBench, ids: readonly string[]): Promise<void> {
  await addNotes(bench, ids);
  bench.cloud.behave = poison(ids, fail(422, { code: "E1", detail: "no good" }));
  await bench.begin();
}
