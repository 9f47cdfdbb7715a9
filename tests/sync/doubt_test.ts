/**
 * What a lane believes of answers: it settles and rejects nothing for lack of proof, and no answer about some rows
 * keeps others from going.
 * @module
 */
import assert from "node:assert/strict";
import { RemoteError, UnusableAnswerError } from "../../src/core/mod.ts";
import { createEndpoint } from "../../src/remotes/endpoint/mod.ts";
import { failureOf } from "../../src/sync/errors.ts";
import { type Behaviour, fail, poison } from "../support/fakes/fake_remote.ts";
import { addNotes, rejectedNotes, settledNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";
import { until } from "../support/until.ts";

/** Wants these rows another time, in an answer that names them. */
function later(isLate: (id: string) => boolean): Behaviour {
  return (batch) => {
    const ids = batch.rows.map(({ id }) => id);
    return {
      accepted: ids.filter((id) => !isLate(id)),
      rejected: ids.filter(isLate).map((id) => ({ id, message: "later", retryable: true })),
    };
  };
}

Deno.test("Lane brings what stands behind thousands of rows that the remote wants another time", async () => {
  await using bench = new SyncBench({ batchSize: 100 });
  const ids = await addNotes(bench, 3_500);
  bench.cloud.behave = later((id) => id <= "n3000");
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), ids.slice(3_000));
  assert.equal(bench.cloud.requests.length, 35);
  assert.ok(bench.cloud.requests.every(({ length }) => length <= 100));
  assert.match(bench.lane.last_error?.message ?? "", /another time/);
  // In the order in which they wait.
  const sent = bench.cloud.requests.flat();
  assert.deepEqual(sent, sent.toSorted());
});

Deno.test("Lane sends rows that were wanted another time again with backoff, and new rows at once", async () => {
  await using bench = new SyncBench({ batchSize: 100, intervalMs: 15_000 });
  const ids = await addNotes(bench, 250);
  bench.cloud.behave = later((id) => ids.includes(id));
  await bench.begin();
  for (let round = 0; round < 60; round++) {
    await addNotes(bench, [`x${String(round).padStart(3, "0")}`]);
    bench.wake.notify();
    await bench.clock.advance(2_000);
    await until(() => settledNotes(bench.store).length === round + 1);
  }
  const tries = bench.cloud.requests.filter((request) => request.includes("n0001")).length;
  // After 1, 2, 4 … 64 s.
  assert.ok(tries >= 5 && tries <= 8, `${tries} tries in 2 min`);
  bench.cloud.behave = () => undefined;
  await bench.engine.now();
  assert.equal(bench.lane.rows_waiting, 0);
  assert.equal(bench.lane.last_error, null);
});

Deno.test("Lane settles nothing because something answers 409 to everything", async () => {
  await using bench = new SyncBench();
  const ids = await addNotes(bench, 2_000);
  bench.cloud.behave = fail(409);
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), []);
  assert.equal(bench.lane.state, "failed");
  assert.match(bench.lane.last_error?.advice ?? "", /claimed to have the last 50 rows/);
  for (let minutes = 0; minutes < 30; minutes++) await bench.clock.advance(60_000);
  assert.deepEqual(settledNotes(bench.store), []);
  assert.deepEqual(rejectedNotes(bench.store), []);
  bench.cloud.behave = () => undefined;
  await bench.engine.reset();
  await until(() => bench.lane.rows_waiting === 0);
  assert.deepEqual([...bench.cloud.stored.keys()].sort(), ids);
});

Deno.test("Lane stops settling when a remote that accepted rows answers 409 to all that follow", async () => {
  await using bench = new SyncBench({ batchSize: 100 });
  await addNotes(bench, 1_000);
  bench.cloud.script.push(() => undefined);
  bench.cloud.behave = fail(409);
  await bench.begin();
  assert.ok(settledNotes(bench.store).length < 150, `${settledNotes(bench.store).length} settled`);
  assert.equal(bench.lane.state, "failed");
});

Deno.test("Lane settles what a remote has already once that has accepted something", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  bench.cloud.behave = poison(["a"], fail(409));
  await bench.begin();
  assert.deepEqual(settledNotes(bench.store), []);
  await addNotes(bench, ["b"]);
  await bench.engine.now();
  await bench.engine.now();
  assert.deepEqual(settledNotes(bench.store), ["a", "b"]);
});

for (const status of [400, 409, 413, 422]) {
  Deno.test(`Lane rejects and settles nothing by pages of status ${status}, and lets others pass one`, async () => {
    let portal = true;
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const page = () =>
          new Response("<!DOCTYPE html><h1>Sorry</h1>", {
            status,
            headers: { "content-type": "text/html" },
          });
        const rows = request.method === "POST" ? await request.json() as { id: string }[] : [];
        return portal || rows.some(({ id }) => id === "n0077")
          ? page()
          : new Response(null, { status: 204 });
      },
    );
    try {
      const remote = createEndpoint({ url: `http://127.0.0.1:${server.addr.port}/in` });
      await using bench = new SyncBench({ remote });
      const ids = await addNotes(bench, 200);
      await bench.begin();
      assert.deepEqual([settledNotes(bench.store), rejectedNotes(bench.store)], [[], []]);
      portal = false;
      await bench.engine.reset();
      await bench.engine.now();
      await bench.engine.now();
      assert.deepEqual(settledNotes(bench.store), ids.filter((id) => id !== "n0077"));
      assert.deepEqual(rejectedNotes(bench.store), []);
    } finally {
      await server.shutdown();
    }
  });
}

for (
  const [what, answer] of [
    ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["a redirect to a page", () => Response.redirect("http://127.0.0.1:1/login")],
    ["511", () => new Response("sign in", { status: 511 })],
  ] as const
) {
  Deno.test(`Lane is not online by ${what}, keeps its rows, and goes on when it is gone`, async () => {
    let portal = true;
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        await request.body?.cancel();
        return portal ? answer() : new Response(null, { status: 204 });
      },
    );
    try {
      const remote = createEndpoint({ url: `http://127.0.0.1:${server.addr.port}/in` });
      await using bench = new SyncBench({ remote });
      await addNotes(bench, 3);
      await bench.begin();
      await bench.clock.advance(25_000);
      assert.equal(bench.engine.online(), false);
      assert.match(bench.lane.last_error?.message ?? "", /a web page answered|it redirects to/);
      assert.equal(bench.lane.rows_waiting, 3);
      portal = false;
      await bench.passing(() => bench.lane.rows_waiting === 0);
      assert.equal(bench.engine.online(), true);
    } finally {
      await server.shutdown();
    }
  });
}

Deno.test("Lane's last error is no message of JavaScript", async () => {
  await using bench = new SyncBench();
  await addNotes(bench, ["a"]);
  for (
    const behave of [
      () => ({ accepted: null, rejected: null }) as never,
      () => Promise.reject(new TypeError("t.map is not a function")),
      () => Promise.reject(new SyntaxError("Unexpected token '<'")),
      () => {
        throw "a string";
      },
    ]
  ) {
    bench.cloud.script.push(behave);
    if (bench.cloud.requests.length === 0) await bench.begin();
    else await bench.engine.now();
    assert.equal(
      bench.lane.last_error?.message,
      "Cannot continue: an error in the program, see the log",
    );
  }
});

Deno.test("failureOf takes a redirect for no answer of the remote itself, and for a person's matter", () => {
  const { verdict, answered } = failureOf(new RemoteError("Cannot push", { status: 302 }));
  assert.deepEqual([verdict.action, answered], ["pause", false]);
  assert.equal(new UnusableAnswerError("it redirects").verdict.action, "retry");
});
