/** What one round of a lane does, and in which order. @module */
import assert from "node:assert/strict";
import { pause, RemoteError } from "../../src/core/mod.ts";
import { FakeRemote } from "../support/fakes/fake_remote.ts";
import { addNotes } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";

/** A round of a pull, which may throw, and a push. */
async function roundWith(pull: () => void): Promise<{ done: string[]; failure?: string }> {
  const done: string[] = [];
  const remote = Object.assign(new FakeRemote(), {
    pull: (table: string) => {
      done.push(`pull ${table}`);
      pull();
      return Promise.resolve({ table, rows: [], cursor: null, more: false });
    },
  });
  remote.behave = ({ table }) => void done.push(`push ${table}`);
  await using bench = new SyncBench({
    remote,
    inbox: {
      tables: ["notes"],
      cursor: () => null,
      apply: () => ({ applied: 0, conflicts: 0 }),
    },
  });
  await addNotes(bench, ["a"]);
  await bench.begin();
  const failure = bench.lane.last_error?.message;
  return { done, ...(failure ? { failure } : {}) };
}

Deno.test("Lane reads what the cloud has before it pushes, while a conflict can be seen", async () => {
  assert.deepEqual(await roundWith(() => {}), { done: ["pull notes", "push heartbeats"] });
});

Deno.test("Lane pushes although a table cannot be read", async () => {
  const round = await roundWith(() => {
    throw new RemoteError("Cannot pull notes", { status: 403, code: "42501" });
  });
  assert.deepEqual(round, {
    done: ["pull notes", "push heartbeats"],
    failure: "Cannot pull notes",
  });
});

Deno.test("Lane does not push where the pull had no answer", async () => {
  const round = await roundWith(() => {
    throw new RemoteError("Cannot pull notes");
  });
  assert.deepEqual(round, { done: ["pull notes"], failure: "Cannot pull notes" });
});

Deno.test("Lane pushes nothing to a remote that the executable may not talk to", async () => {
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
