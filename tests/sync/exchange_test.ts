import assert from "node:assert/strict";
import { type Inbox, RemoteError, Warnings } from "../../src/core/mod.ts";
import { Connection } from "../../src/sync/connection.ts";
import { Exchange } from "../../src/sync/exchange.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeRemote } from "../support/fake_remote.ts";
import { addNotes, sampleMigration, sampleOutbox } from "../support/sample_outbox.ts";
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
