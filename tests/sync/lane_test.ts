import assert from "node:assert/strict";
import { pause, RemoteError, VERDICTS } from "../../src/core/mod.ts";
import { fail, poison } from "../support/fakes/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";
import { until } from "../support/until.ts";

Deno.test("Lane pushes what waits at its start, and settles it", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 3);
  await bench.begin();
  assert.deepEqual(bench.cloud.requests[0], ids);
  assert.deepEqual(settledNotes(bench.store), ids);
  assert.equal(bench.lane.rows_waiting, 0);
  assert.equal(bench.lane.rows_pushed, 3);
  assert.equal(bench.lane.state, "connected");
});

Deno.test("Lane drains a backlog batch by batch without waiting", async () => {
  await using bench = new SyncBench({ batchSize: 10 });
  const ids = await addNotes(bench, 35);
  await bench.begin();
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [10, 10, 10, 5]);
  assert.deepEqual(settledNotes(bench.store), ids);
});

for (const [what, takesMs] of [["at once", 0], ["after a moment", 2]] as const) {
  Deno.test(`Lane sends each row once to a remote that answers ${what}`, async () => {
    await using bench = new SyncBench({ batchSize: 10 });
    const ids = await addNotes(bench, 95);
    bench.cloud.behave = async () => {
      if (takesMs > 0) await new Promise((resolve) => setTimeout(resolve, takesMs));
    };
    await bench.begin();
    assert.deepEqual(bench.cloud.requests.flat(), ids);
    assert.deepEqual(settledNotes(bench.store), ids);
  });
}

Deno.test("Lane keeps to its schedule, and pushes before its time when the bell rings", async () => {
  await using bench = new SyncBench({ intervalMs: 300_000 });
  await bench.begin();
  await addNotes(bench, ["a"]);
  await bench.clock.advance(299_000);
  assert.equal(bench.cloud.requests.length, 0);
  await bench.clock.advance(1_000);
  await bench.requests(1);
  await addNotes(bench, ["b"]);
  bench.wake.notify();
  await bench.requests(2);
  assert.deepEqual(bench.cloud.requests, [["a"], ["b"]]);
});

Deno.test("Lane does not turn a trickle of new rows into a stream of requests", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  bench.cloud.behave = async () => {
    await addNotes(bench, [`b${bench.cloud.requests.length}`]);
  };
  await bench.begin();
  assert.equal(bench.cloud.requests.length, 1);
});

Deno.test("Lane tries again later and later, until it succeeds", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.behave = fail(503);
  await addNotes(bench, ["a"]);
  bench.start();
  const waits: number[] = [];
  for (let failures = 1; failures <= 5; failures++) {
    await bench.requests(failures);
    const wait = Date.parse(bench.lane.next_attempt_at!) - bench.clock.now();
    waits.push(wait / 1_000);
    await bench.clock.advance(wait);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16]);
  bench.cloud.behave = () => undefined;
  await bench.clock.advance(32_000);
  await until(() => bench.lane.rows_waiting === 0);
  assert.equal(bench.lane.failures_in_a_row, 0);
  assert.equal(bench.lane.last_error, null);
});

Deno.test("Lane comes back no sooner than Retry-After says, not even for its bell", async () => {
  await using bench = new SyncBench();
  bench.cloud.script.push(fail(429, { retryAfterMs: 60_000 }));
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  bench.wake.notify();
  await bench.clock.advance(59_000);
  assert.equal(bench.cloud.requests.length, 1);
  await bench.clock.advance(4_000);
  await bench.requests(2);
  assert.deepEqual(settledNotes(bench.store), ["a"]);
});

Deno.test("Lane heeds its bell while it fails, once a second at most", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.behave = fail(503);
  await addNotes(bench, ["a"]);
  bench.start();
  await failuresInARow(bench, 6);
  for (let ring = 0; ring < 10; ring++) {
    bench.wake.notify();
    await bench.clock.advance(100);
  }
  await bench.requests(7);
  assert.equal(bench.cloud.requests.length, 7);
});

Deno.test("Lane.now tries at once whatever the lane was waiting for", async () => {
  await using bench = new SyncBench();
  bench.cloud.script.push(fail(429, { retryAfterMs: 60_000 }));
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  await bench.engine.now();
  assert.deepEqual(settledNotes(bench.store), ["a"]);
});

Deno.test("Lane isolates a poison row, keeps it with its reason, and lets the others pass", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 500);
  bench.cloud.behave = poison(
    ["n0317"],
    fail(400, { code: "22P02", detail: "invalid input syntax for type date" }),
  );
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.filter((id) => id !== "n0317"));
  assert.deepEqual(rejectedNotes(bench.store), [{
    id: "n0317",
    status: 400,
    code: "22P02",
    message: "invalid input syntax for type date",
  }]);
  const refused = bench.cloud.requests.filter((request) => request.includes("n0317"));
  assert.ok(refused.length <= Math.ceil(Math.log2(500)) + 1, `${refused.length} refusals`);
  assert.deepEqual([...new Set(bench.cloud.stored.values())], [1]);
  assert.equal(bench.lane.rows_refused, 1);
  assert.equal(bench.lane.state, "connected");
});

Deno.test("Lane finds poison rows wherever and however many they are", async () => {
  await using bench = new SyncBench({ batchSize: 16 });
  const ids = await addNotes(bench, 40);
  const bad = ["n0001", "n0002", "n0016", "n0017", "n0023", "n0040"];
  bench.cloud.behave = poison(bad, fail(500, { code: "21000", verdict: VERDICTS.bisect }));
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.filter((id) => !bad.includes(id)));
  assert.deepEqual(rejectedNotes(bench.store).map(({ id }) => id), bad);
});

Deno.test("Lane stops blaming rows when a remote refuses all of them", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, 500);
  bench.cloud.behave = fail(400);
  await bench.begin();
  assert.equal(rejectedNotes(bench.store).length, 50);
  assert.equal(bench.lane.state, "failed");
  assert.match(bench.lane.last_error?.advice ?? "", /refused the last 50 rows/);
  assert.deepEqual(bench.warnings.list().map(({ code }) => code).sort(), [
    "sync.playtime",
    "sync.playtime.rejected",
  ]);
  bench.cloud.behave = () => undefined;
  await bench.engine.reset();
  await until(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(bench.warnings.list(), []);
});

Deno.test("Lane sends smaller batches where the remote takes no more", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 2_000);
  bench.cloud.behave = (batch, options) =>
    batch.rows.length > 100 ? fail(413)(batch, options) : undefined;
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids);
  assert.deepEqual(rejectedNotes(bench.store), []);
  assert.ok(bench.cloud.requests.length < 60, `${bench.cloud.requests.length} requests`);
});

Deno.test("Lane rejects a row that is too large even alone", async () => {
  await using bench = new SyncBench({ batchSize: 8 });
  const ids = await addNotes(bench, 20);
  bench.cloud.behave = poison(["n0006"], fail(413));
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.filter((id) => id !== "n0006"));
  const [rejected] = rejectedNotes(bench.store);
  assert.equal(rejected?.status, 413);
  assert.match(rejected?.message ?? "", /too large even alone/);
});

Deno.test("Lane asks a slow remote for less, and for more again when it is quick", async () => {
  await using bench = new SyncBench({ batchSize: 8, timeoutMs: 10_000, random: () => 0 });
  const ids = await addNotes(bench, 32);
  bench.cloud.script.push(...[1, 2].map(() => () => new Promise<undefined>(() => {})));
  bench.start();
  await until(() => bench.cloud.requests.length === 1);
  await bench.passing(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(bench.cloud.requests.map(({ length }) => length), [8, 4, 2, 4, 8, 8, 8, 2]);
  assert.deepEqual(settledNotes(bench.store), ids);
});

Deno.test("Lane takes a duplicate for a success", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 8);
  bench.cloud.behave = poison(["n0003", "n0008"], fail(409, { code: "23505" }));
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids);
  assert.deepEqual(rejectedNotes(bench.store), []);
});

Deno.test("Lane puts a child off whose parent has not come, and rejects it after a while", async () => {
  await using bench = new SyncBench({ random: () => 0 });
  const ids = await addNotes(bench, 8);
  bench.cloud.behave = poison(
    ["n0003"],
    fail(409, {
      code: "23503",
      detail: "no such parent",
      verdict: VERDICTS.orphan,
    }),
  );
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.filter((id) => id !== "n0003"));
  assert.deepEqual(rejectedNotes(bench.store), []);
  assert.equal(bench.lane.rows_waiting, 1);
  for (let round = 0; round < 10; round++) await bench.engine.now();
  assert.deepEqual(rejectedNotes(bench.store).map(({ id, message }) => [id, message]), [
    ["n0003", "no such parent"],
  ]);
});

Deno.test("Lane settles what an answer names, rejects what it refuses, and sends the rest again", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a", "b", "c", "d"]);
  bench.cloud.script.push(() => ({
    accepted: ["a", "stranger"],
    rejected: [
      { id: "b", code: "old", message: "too old" },
      { id: "c", message: "busy", retryable: true },
      { id: "nobody", message: "?" },
    ],
  }));
  bench.start();
  await bench.requests(1);
  assert.deepEqual(settledNotes(bench.store), ["a"]);
  assert.deepEqual(rejectedNotes(bench.store), [
    { id: "b", status: null, code: "old", message: "too old" },
  ]);
  assert.equal(bench.lane.rows_waiting, 2);
  assert.equal(bench.lane.state, "connected");
  await bench.engine.now();
  assert.deepEqual(bench.cloud.requests[1], ["c", "d"]);
  assert.deepEqual(settledNotes(bench.store), ["a", "c", "d"]);
});

Deno.test("Lane lets traffic pass rows that the remote always wants another time", async () => {
  await using bench = new SyncBench({ batchSize: 4, intervalMs: 15_000 });
  const ids = await addNotes(bench, 20);
  const stuck = ids.slice(0, 6);
  bench.cloud.behave = ({ rows }) => ({
    accepted: rows.map(({ id }) => id).filter((id) => !stuck.includes(id)),
    rejected: stuck.map((id) => ({ id, message: "later", retryable: true })),
  });
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.slice(6));
  assert.ok(Date.parse(bench.lane.next_attempt_at!) - bench.clock.now() <= 15_000);
});

Deno.test("Lane pauses for a person, says what to do, and asks again every few minutes", async () => {
  await using bench = new SyncBench();
  bench.cloud.behave = fail(404, { code: "PGRST205", verdict: pause("make the table") });
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  assert.equal(bench.lane.state, "failed");
  assert.match(bench.lane.last_error?.advice ?? "", /make the table/);
  assert.deepEqual(bench.warnings.list().map(({ code }) => code), ["sync.playtime"]);
  assert.equal(
    bench.warnings.list()[0]?.message.split(";")[0],
    "playtime to fake cloud: status 404 (PGRST205)",
  );
  bench.wake.notify();
  await bench.clock.advance(120_000);
  assert.equal(bench.cloud.requests.length, 1);
  bench.cloud.behave = () => undefined;
  await bench.clock.advance(120_000);
  await until(() => bench.lane.rows_waiting === 0);
  assert.deepEqual(bench.warnings.list(), []);
  assert.deepEqual(rejectedNotes(bench.store), []);
});

Deno.test("Lane makes its sign-in fresh once, then asks for a person", async () => {
  await using bench = new SyncBench();
  let refreshes = 0;
  let valid = true;
  Object.assign(bench.cloud, { refresh: () => Promise.resolve((refreshes++, valid)) });
  await addNotes(bench, ["a"]);
  bench.cloud.script.push(fail(401, { code: "PGRST303" }));
  await bench.begin();
  assert.deepEqual([refreshes, settledNotes(bench.store)], [1, ["a"]]);

  valid = false;
  await addNotes(bench, ["b"]);
  bench.cloud.behave = fail(401);
  await bench.engine.now();
  assert.equal(refreshes, 2);
  assert.equal(bench.lane.state, "failed");
  assert.match(bench.lane.last_error?.advice ?? "", /sign in again/);
});

Deno.test("Lane points to device_token where there is no sign-in to renew", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  bench.cloud.behave = fail(401);
  await bench.begin();
  assert.match(bench.warnings.list()[0]?.message ?? "", /check device_token/);
});

Deno.test("Lane is disconnected without an answer, and tries when the network comes up", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.reachable = false;
  bench.cloud.behave = fail();
  await addNotes(bench, ["a"]);
  bench.start();
  await failuresInARow(bench, 6);
  assert.equal(bench.lane.state, "disconnected");
  assert.equal(bench.engine.online(), false);
  bench.cloud.behave = () => undefined;
  bench.interfaces = [...bench.interfaces, { name: "wlan0", address: "192.0.2.7" }];
  await bench.clock.advance(5_000);
  await until(() => bench.lane.rows_waiting === 0);
  assert.equal(bench.engine.online(), true);
});

Deno.test("Lane tries as soon as a probe finds the remote back", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.reachable = false;
  bench.cloud.behave = fail();
  await addNotes(bench, ["a"]);
  bench.start();
  await failuresInARow(bench, 6);
  bench.cloud.reachable = true;
  bench.cloud.behave = () => undefined;
  await bench.clock.advance(20_000);
  await until(() => bench.lane.rows_waiting === 0);
});

Deno.test("Lane does not run after a probe that passes while every push hangs", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.behave = fail();
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  await bench.clock.advance(10 * 60_000);
  assert.ok(bench.cloud.requests.length < 20, `${bench.cloud.requests.length} requests in 10 min`);
});

Deno.test("Lane cuts an attempt that has no end", async () => {
  await using bench = new SyncBench({ timeoutMs: 30_000, random: () => 0 });
  await addNotes(bench, ["a"]);
  bench.cloud.script.push(() => new Promise<undefined>(() => {}));
  bench.start();
  await until(() => bench.cloud.requests.length === 1);
  assert.equal(bench.lane.state === "syncing" || bench.lane.state === "connecting", true);
  await bench.clock.advance(29_000);
  assert.equal(bench.cloud.requests.length, 1);
  await bench.passing(() => bench.lane.rows_waiting === 0);
  assert.equal(bench.lane.requests_failed, 1);
});

Deno.test("Lane survives a remote that throws what nobody expects", async () => {
  await using bench = new SyncBench({ random: () => 0 });
  await addNotes(bench, ["a"]);
  bench.cloud.script.push(
    () => {
      throw "a string";
    },
    () => ({ accepted: null, rejected: null }) as never,
    () => Promise.reject(new TypeError("x is not a function")),
  );
  bench.start();
  await bench.requests(1);
  await bench.passing(() => bench.lane.rows_waiting === 0);
});

Deno.test("Lane sends rows again whose settling the database did not take", async () => {
  await using bench = new SyncBench({ random: () => 0 });
  const { store, outbox } = bench;
  await addNotes(bench, ["a"]);
  const settle = outbox.settle;
  outbox.settle = () => {
    outbox.settle = settle;
    throw new Error("database or disk is full");
  };
  bench.start();
  await bench.requests(1);
  assert.match(bench.lane.last_error?.message ?? "", /disk is full/);
  await bench.passing(() => settledNotes(store).length === 1);
  assert.equal(bench.cloud.stored.get("a"), 2);
});

Deno.test("Lane ends a drain when a batch cannot be settled while the next is under way", async () => {
  await using bench = new SyncBench({ batchSize: 10, random: () => 0 });
  const { store, outbox } = bench;
  const ids = await addNotes(bench, 45);
  const settle = outbox.settle;
  let settles = 0;
  outbox.settle = (...given) => {
    if (++settles === 2) throw new Error("database or disk is full");
    settle(...given);
  };
  bench.start();
  await until(() => bench.lane.last_error !== null);
  assert.equal(bench.cloud.requests.length, 3);
  await bench.passing(() => settledNotes(store).length === 45);
  assert.deepEqual(settledNotes(store), ids);
});

Deno.test("Lane lets a push end that is under way when the agent stops, and settles it", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  const answer = Promise.withResolvers<void>();
  bench.cloud.behave = async () => await answer.promise;
  bench.start();
  await until(() => bench.cloud.requests.length === 1);
  const stopped = bench.stop();
  answer.resolve();
  await stopped;
  assert.deepEqual(settledNotes(bench.store), ["a"]);
});

Deno.test("Lane aborts a push that does not end soon after the agent stops", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  let aborted = false;
  bench.cloud.behave = (_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(new RemoteError("aborted"));
      })
    );
  bench.start();
  await until(() => bench.cloud.requests.length === 1);
  const stopped = bench.stop();
  await bench.clock.advance(1_500);
  await stopped;
  assert.ok(aborted);
  assert.equal(bench.outbox.depth().rows, 1);
});

Deno.test("Lane does not run after slow probes that pass while every push hangs", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  // The answer comes when the push has failed already, as a real one does.
  Object.assign(bench.cloud, {
    probe: async () => {
      await bench.clock.wait(50);
      return { clockOffsetMs: 0 };
    },
  });
  bench.cloud.behave = fail();
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  await bench.clock.advance(60_000);
  assert.ok(bench.cloud.requests.length < 15, `${bench.cloud.requests.length} requests in 1 min`);
});

Deno.test("Lane heeds Retry-After also while it waits for a person", async () => {
  await using bench = new SyncBench();
  bench.cloud.behave = fail(403, { retryAfterMs: 20 * 60_000, verdict: pause("ask the owner") });
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  await bench.clock.advance(19 * 60_000);
  assert.equal(bench.cloud.requests.length, 1);
  await bench.clock.advance(4 * 60_000);
  await bench.requests(2);
});

Deno.test("Lane.now resolves when all that waits is sent, also in several rounds", async () => {
  await using bench = new SyncBench({ batchSize: 10, roundSize: 25 });
  await addNotes(bench, 60);
  bench.start();
  const leftThen = bench.engine.now().then(() => bench.lane.rows_waiting);
  await bench.passing(() => bench.lane.rows_waiting === 0);
  assert.equal(await leftThen, 0);
});

Deno.test("Lane.now resolves when the agent stops before its round began", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  const answer = Promise.withResolvers<void>();
  bench.cloud.behave = async () => await answer.promise;
  bench.start();
  await until(() => bench.cloud.requests.length === 1);
  const asked = bench.engine.now();
  const stopped = bench.stop();
  answer.resolve();
  await Promise.all([stopped, asked]);
});

Deno.test("Lane is in a hurry for one round, whoever asked for it", async () => {
  await using bench = new SyncBench({ random: () => 0.999999999 });
  bench.cloud.behave = fail(429, { retryAfterMs: 60_000 });
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  await bench.engine.now();
  assert.equal(bench.cloud.requests.length, 2);
  bench.wake.notify();
  await bench.clock.advance(59_000);
  assert.equal(bench.cloud.requests.length, 2);
});

Deno.test("Lane that was answered does not hurry when the network changes", async () => {
  await using bench = new SyncBench();
  bench.cloud.behave = fail(429, { retryAfterMs: 10 * 60_000 });
  await addNotes(bench, ["a"]);
  bench.start();
  await bench.requests(1);
  bench.interfaces = [...bench.interfaces, { name: "wlan0", address: "192.0.2.7" }];
  await bench.clock.advance(60_000);
  assert.equal(bench.cloud.requests.length, 1);
});

Deno.test("Lane waits before its next round when a row was put off, though the round was full", async () => {
  await using bench = new SyncBench({ batchSize: 4, roundSize: 4 });
  await addNotes(bench, 8);
  bench.cloud.behave = ({ rows }) => ({
    accepted: rows.map(({ id }) => id).filter((id) => id !== "n0001"),
    rejected: [{ id: "n0001", message: "busy", retryable: true }],
  });
  bench.start();
  await bench.requests(1);
  await bench.clock.advance(100);
  assert.deepEqual(bench.cloud.requests, [["n0001", "n0002", "n0003", "n0004"]]);
});

/** Lets a lane fail so many times, each as soon as it is due. */
async function failuresInARow(bench: SyncBench, count: number): Promise<void> {
  for (let failures = 1; failures < count; failures++) {
    await bench.requests(failures);
    await bench.clock.advance(Date.parse(bench.lane.next_attempt_at!) - bench.clock.now());
  }
  await bench.requests(count);
}
