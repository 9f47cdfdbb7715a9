/** A lane, a plain endpoint and a server that breaks in every way it can: nothing is lost, nothing comes twice. */
import assert from "node:assert/strict";
import { Hub, Warnings } from "../../src/core/mod.ts";
import { createEndpoint } from "../../src/remotes/endpoint/mod.ts";
import { SyncEngine } from "../../src/sync/mod.ts";
import { type Fault, FaultyServer } from "../support/servers/faulty_server.ts";
import {
  addNotes,
  noteIds,
  rejectedNotes,
  sampleMigration,
  sampleOutbox,
  settledNotes,
} from "../support/fakes/sample_outbox.ts";
import { tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

const faults: readonly (readonly [string, () => readonly Fault[]])[] = [
  ["500", () => [{ kind: "status", status: 500 }]],
  ["a page instead of JSON", () => [{ kind: "status", status: 502, body: "<h1>Bad gateway</h1>" }]],
  ["429 with seconds", () => [{ kind: "status", status: 429, headers: { "retry-after": "1" } }]],
  ["429 with a date", () => [{
    kind: "status",
    status: 429,
    headers: { "retry-after": new Date(Date.now() + 1_000).toUTCString() },
  }]],
  ["a hang", () => [{ kind: "hang" }]],
  ["a connection that breaks", () => [{ kind: "reset" }, { kind: "reset" }]],
  ["an answer that is lost", () => [{ kind: "reset-after-apply" }]],
  ["an answer that is half written", () => [{ kind: "half-written" }, { kind: "half-written" }]],
  ["a request delivered twice", () => [{ kind: "duplicate" }]],
  ["a slow answer", () => [{ kind: "slow", ms: 50 }]],
  ["an answer for some rows", () => [{ kind: "partial", takes: (id) => id < "n0100" }]],
  ["an answer for none", () => [{ kind: "partial", takes: () => false }]],
  ["nonsense", () => [{ kind: "answer", body: '{"accepted":{"all":true}}' }]],
];

for (const [what, script] of faults) {
  Deno.test(`Every row arrives once after ${what}`, async () => {
    await using agent = await start();
    agent.server.faults.push(...script());
    const ids = await agent.add(noteIds(300));
    await agent.drained();
    assert.deepEqual([...agent.server.rows.keys()].sort(), ids);
    assert.deepEqual(settledNotes(agent.store), ids);
    assert.deepEqual(rejectedNotes(agent.store), []);
  });
}

Deno.test("Every row arrives once at a server that takes small bodies only", async () => {
  await using agent = await start();
  agent.server.maxBytes = 4_000;
  const ids = await agent.add(noteIds(600));
  await agent.drained();
  assert.deepEqual([...agent.server.rows.keys()].sort(), ids);
  assert.deepEqual([...new Set(agent.server.deliveries.values())], [1]);
});

Deno.test("A poison row among 500 is kept with its reason, and traffic behind it flows", async () => {
  await using agent = await start();
  agent.server.poison.set("n0123", {
    status: 400,
    body: { code: "22007", message: "invalid date" },
  });
  const ids = await agent.add(noteIds(500));
  await agent.drained();
  const later = await agent.add(["z1", "z2"]);
  await agent.drained();
  const good = [...ids, ...later].filter((id) => id !== "n0123");
  assert.deepEqual([...agent.server.rows.keys()].sort(), good);
  assert.deepEqual([...new Set(agent.server.deliveries.values())], [1]);
  assert.deepEqual(rejectedNotes(agent.store), [
    { id: "n0123", status: 400, code: "22007", message: "invalid date" },
  ]);
});

Deno.test("Rows wait for a new token, and arrive with it", async () => {
  await using agent = await start();
  agent.server.token = "new";
  await agent.add(noteIds(3));
  void agent.engine.now();
  await until(() => agent.engine.status().lanes[0]?.last_error?.status === 401);
  assert.match(agent.engine.status().lanes[0]?.last_error?.advice ?? "", /device_token/);
  agent.server.token = "token";
  await agent.engine.now();
  assert.equal(agent.server.rows.size, 3);
});

Deno.test("All rows arrive within one backoff of a server that comes back", async () => {
  await using agent = await start();
  const { port } = agent.server;
  await agent.server.close();
  const ids = await agent.add(noteIds(50));
  void agent.engine.now();
  await until(() => agent.engine.online() === false);
  await agent.server.listen(port);
  await agent.drained();
  assert.deepEqual([...agent.server.rows.keys()].sort(), ids);
});

Deno.test("Every row arrives once through a day of all faults at random", async () => {
  await using agent = await start();
  const random = seeded(20260302);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const lasting = faults.filter(([what]) => !what.startsWith("429"));
  agent.server.nextFault = () => random() < 0.4 ? pick(pick(lasting)[1]()) : undefined;
  agent.server.poison.set("n0777", { status: 422, body: { message: "no" } });
  agent.server.maxRows = 150;
  const ids = noteIds(1_200);
  for (let from = 0; from < ids.length; from += 200) {
    await agent.add(ids.slice(from, from + 200));
    await agent.engine.now();
  }
  await agent.drained();
  const good = ids.filter((id) => id !== "n0777");
  assert.deepEqual([...agent.server.rows.keys()].sort(), good);
  assert.deepEqual(settledNotes(agent.store), good);
  assert.deepEqual(rejectedNotes(agent.store).map(({ id }) => id), ["n0777"]);
});

/** An engine with one lane to a faulty server, on the machine's clock but with next to no backoff. */
async function start() {
  const server = await FaultyServer.start();
  const temp = tempStore([sampleMigration]);
  const { store } = temp;
  const outbox = sampleOutbox(store);
  const stop = new AbortController();
  const engine = new SyncEngine({
    store,
    lanes: [{
      name: "playtime",
      outbox,
      schedule: { intervalMs: () => 300_000, batchSize: 250 },
      remote: createEndpoint({ url: server.url, token: "token" }),
    }],
    warnings: new Warnings(),
    hub: new Hub(),
    random: () => 0.001,
    timeoutMs: 250,
  });
  const running = engine.run(stop.signal);
  await engine.now();
  return {
    server,
    store,
    engine,
    async add(ids: readonly string[]): Promise<string[]> {
      return await addNotes({ store, outbox }, ids);
    },
    async drained(): Promise<void> {
      void engine.now();
      await until(() => engine.status().lanes[0]?.rows_waiting === 0, "an empty outbox");
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await running;
      await server.close();
      temp[Symbol.dispose]();
    },
  };
}

/** A small generator of numbers in [0, 1): the same ones every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
