import assert from "node:assert/strict";
import { type Inbox, pause, RemoteError, Warnings } from "../../src/core/mod.ts";
import { Connection } from "../../src/sync/connection.ts";
import { Exchange } from "../../src/sync/exchange.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type Behaviour, fail, FakeRemote } from "../support/fake_remote.ts";
import { addNotes, sampleMigration, sampleOutbox } from "../support/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";
import { tempStore } from "../support/temp.ts";

async function roundWith(pull: () => void): Promise<{ done: string[]; failure?: string }> {
  const clock = new FakeClock();
  using temp = tempStore([sampleMigration], { clock });
  const { store } = temp;
  const outbox = sampleOutbox(store);
  const done: string[] = [];
  const remote = Object.assign(new FakeRemote(), {
    pull: (table: string) => {
      done.push(`pull ${table}`);
      pull();
      return Promise.resolve({ table, rows: [], cursor: null, more: false });
    },
  });
  remote.behave = ({ table }) => void done.push(`push ${table}`);
  const inbox: Inbox = {
    tables: ["notes"],
    cursor: () => null,
    apply: () => ({ applied: 0, conflicts: 0 }),
  };
  await addNotes({ store, outbox }, ["a"]);
  const warnings = new Warnings({ clock });
  const connection = new Connection({ remote, clock, random: () => 0, warnings });
  const options = { name: "records" as const, outbox, inbox, batchSize: 10, connection, store };
  const exchange = new Exchange({
    ...options,
    clock,
    warnings,
    timeoutMs: 1_000,
    onChange: () => {},
  });
  const { failure } = await exchange.run(new AbortController().signal);
  return { done, ...(failure ? { failure: failure.message } : {}) };
}

Deno.test("Exchange takes what the cloud has before it pushes, while a conflict can be seen", async () => {
  assert.deepEqual(await roundWith(() => {}), { done: ["pull notes", "push heartbeats"] });
});

Deno.test("Exchange pushes although a table cannot be read", async () => {
  const round = await roundWith(() => {
    throw new RemoteError("Cannot pull notes", { status: 403, code: "42501" });
  });
  assert.deepEqual(round, {
    done: ["pull notes", "push heartbeats"],
    failure: "Cannot pull notes",
  });
});

Deno.test("Exchange does not push where nobody answers", async () => {
  const round = await roundWith(() => {
    throw new RemoteError("Cannot pull notes");
  });
  assert.deepEqual(round, { done: ["pull notes"], failure: "Cannot pull notes" });
});

/** A round of one push. @returns whether the remote counts as within reach; undefined where that is not known */
async function reachedAfter(
  behave: Behaviour,
  stop = new AbortController(),
): Promise<boolean | undefined> {
  const clock = new FakeClock();
  using temp = tempStore([sampleMigration], { clock });
  const { store } = temp;
  const outbox = sampleOutbox(store);
  await addNotes({ store, outbox }, ["a"]);
  const remote = new FakeRemote();
  remote.behave = behave;
  const warnings = new Warnings({ clock });
  const connection = new Connection({ remote, clock, random: () => 0, warnings });
  const exchange = new Exchange({
    name: "playtime",
    outbox,
    batchSize: 10,
    connection,
    store,
    clock,
    warnings,
    timeoutMs: 1_000,
    onChange: () => {},
  });
  await exchange.run(stop.signal);
  return connection.evidence?.reached;
}

Deno.test("Exchange takes any answer, also a refusal, for a sign that the remote is there", async () => {
  assert.equal(await reachedAfter(() => undefined), true);
  assert.equal(await reachedAfter(fail(503)), true);
  assert.equal(await reachedAfter(fail()), false);
});

Deno.test("Exchange takes a push that the stop cut short for no sign of the remote", async () => {
  const stop = new AbortController();
  const cut: Behaviour = (...given) => {
    stop.abort();
    return fail()(...given);
  };
  assert.equal(await reachedAfter(cut, stop), undefined);
});

Deno.test("Exchange makes the sign-in fresh once a round, however many requests it is refused for", async () => {
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

Deno.test("Exchange pushes nothing to a remote that the executable may not talk to", async () => {
  await using bench = new SyncBench();
  const forbidden = new RemoteError("Cannot talk to example.org: not in this build", {
    verdict: pause("use the other executable"),
  });
  Object.assign(bench.cloud, { forbidden });
  await addNotes(bench, ["a"]);
  await bench.begin();
  assert.equal(bench.cloud.requests.length, 0);
  assert.match(bench.lane.last_error?.advice ?? "", /the other executable/);
  assert.equal(bench.lane.rows_waiting, 1);
});
