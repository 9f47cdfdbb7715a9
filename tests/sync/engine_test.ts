import assert from "node:assert/strict";
import {
  Hub,
  type HubMessage,
  type Inbox,
  Notifier,
  type OutboxBatch,
  type StreamName,
  Warnings,
} from "../../src/core/mod.ts";
import type { SyncStatus } from "../../src/contract/sync.ts";
import { type LaneSetup, SyncEngine } from "../../src/sync/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { fail, FakeRemote } from "../support/fakes/fake_remote.ts";
import { addNotes, sampleMigration } from "../support/fakes/sample_outbox.ts";
import { SyncBench } from "../support/sync_bench.ts";
import { tempStore } from "../support/temp.ts";
import { until } from "../support/until.ts";

Deno.test("SyncEngine keeps a failing lane from the others, also where they share a remote", async () => {
  const cloud = new FakeRemote();
  cloud.behave = (batch, options) =>
    batch.stream === "events" ? fail(500)(batch, options) : undefined;
  await using engine = await start([
    lane("playtime", { remote: cloud, rows: 3 }),
    lane("events", {
      remote: cloud,
      rows: 2,
    }),
  ]);
  await engine.sync.now();
  const { lanes, state } = engine.sync.status();
  assert.deepEqual(lanes.map(({ stream, state }) => [stream, state]), [
    ["playtime", "connected"],
    ["events", "failed"],
  ]);
  assert.equal(state, "failed");
  assert.equal(cloud.stored.size, 3);
});

Deno.test("SyncEngine asks for a fresh sign-in once for lanes that need it at the same time", async () => {
  const cloud = new FakeRemote();
  let refreshes = 0;
  let fresh = false;
  Object.assign(cloud, {
    refresh: async () => {
      refreshes++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return fresh = true;
    },
  });
  cloud.behave = (batch, options) => fresh ? undefined : fail(401)(batch, options);
  await using engine = await start([
    lane("playtime", { remote: cloud, rows: 1 }),
    lane("events", { remote: cloud, rows: 1 }),
  ]);
  await engine.sync.now();
  assert.equal(refreshes, 1);
  assert.equal(engine.sync.status().state, "connected");
});

Deno.test("SyncEngine.now syncs only the stream that is asked for", async () => {
  const [one, other] = [new FakeRemote(), new FakeRemote()];
  const setups = [
    lane("playtime", { remote: one, rows: 0 }),
    lane("events", { remote: other, rows: 0 }),
  ];
  await using engine = await start(setups);
  await engine.sync.now();
  setups.forEach(({ add }) => add(1));
  await engine.sync.now("events");
  assert.deepEqual([one.requests.length, other.requests.length], [0, 1]);
});

Deno.test("SyncEngine knows by a probe whether it is online, before anything is pushed", async () => {
  await using bench = new SyncBench();
  assert.equal(bench.lane.state, "disconnected");
  assert.equal(bench.engine.online(), false);
  bench.start();
  assert.equal(bench.lane.state, "connecting");
  await bench.engine.now();
  await until(() => bench.engine.online() === true);
  assert.equal(bench.lane.state, "connected");
  assert.equal(bench.cloud.requests.length, 0);
});

Deno.test("SyncEngine notices that the remote is away and back without having anything to push", async () => {
  await using bench = new SyncBench();
  bench.cloud.reachable = false;
  await bench.begin();
  await until(() => bench.cloud.probes === 1);
  assert.equal(bench.lane.state, "disconnected");
  bench.cloud.reachable = true;
  await bench.passing(() => bench.engine.online() === true);
  assert.equal(bench.lane.state, "connected");
});

Deno.test("SyncEngine pushes what waits within 15 s of the remote's return, whatever the interval", async () => {
  await using bench = new SyncBench({ intervalMs: 3_600_000 });
  await bench.begin();
  await until(() => bench.cloud.probes === 1);
  await addNotes(bench, 3);
  // Nothing was under way when the remote went, so no push has failed.
  bench.cloud.reachable = false;
  bench.cloud.behave = fail();
  await bench.clock.advance(61_000);
  assert.equal(bench.engine.online(), false);
  await bench.clock.advance(20 * 60_000);
  assert.equal(bench.lane.rows_waiting, 3);
  bench.cloud.reachable = true;
  bench.cloud.behave = () => undefined;
  await bench.clock.advance(15_000);
  await until(() => bench.lane.rows_waiting === 0);
});

Deno.test("SyncEngine pushes what waits when an interface comes up, though nothing had failed", async () => {
  await using bench = new SyncBench({ intervalMs: 3_600_000 });
  await bench.begin();
  await addNotes(bench, 3);
  bench.interfaces = [{ name: "wlan0", address: "192.0.2.77" }];
  await bench.clock.advance(6_000);
  await until(() => bench.lane.rows_waiting === 0);
});

Deno.test("SyncEngine knows within a minute that the remote has gone while a page is open", async () => {
  await using bench = new SyncBench();
  await bench.begin();
  await until(() => bench.engine.online() === true);
  bench.cloud.reachable = false;
  await bench.clock.advance(10 * 60_000);
  // Nothing waits and nobody looks: the remote is left alone.
  assert.equal(bench.cloud.probes, 1);
  bench.hub.pages = 1;
  await bench.clock.advance(60_000);
  assert.equal(bench.engine.online(), false);
});

Deno.test("SyncEngine warns of a clock that is off, and no longer when it is set", async () => {
  await using bench = new SyncBench();
  bench.cloud.clockOffsetMs = 3_600_000;
  await bench.begin();
  await until(() => bench.engine.status().clock_offset_ms === 3_600_000);
  assert.match(bench.warnings.list()[0]?.message ?? "", /about 60 min behind fake cloud/);
  bench.cloud.clockOffsetMs = -900;
  bench.interfaces = [{ name: "eth0", address: "192.0.2.99" }];
  await bench.passing(() => bench.warnings.list().length === 0);
});

Deno.test("SyncEngine takes an interface that goes for no reason to hurry", async () => {
  await using bench = new SyncBench();
  await bench.begin();
  bench.interfaces = [];
  await bench.clock.advance(10_000);
  assert.equal(bench.cloud.probes, 1);
});

Deno.test("SyncEngine tells the hub of every state and of the progress", async () => {
  await using bench = new SyncBench();
  const news: HubMessage[] = [];
  bench.hub.subscribe((message) => news.push(message));
  await addNotes(bench, 3);
  await bench.begin();
  const states = news.filter(({ topic }) => topic === "sync")
    .map(({ data }) => (data as SyncStatus).state);
  assert.ok(states.includes("connecting") || states.includes("syncing"), states.join());
  assert.equal(states.at(-1), "connected");
});

Deno.test("SyncEngine pulls what a doorbell announces", async () => {
  const pulls: string[] = [];
  let ring: ((table: string) => void) | undefined;
  let watches = 0;
  const inbox: Inbox = {
    tables: ["tasks"],
    cursor: () => null,
    apply: ({ rows }) => ({ applied: rows.length, conflicts: 0 }),
  };
  const cloud = Object.assign(new FakeRemote(), {
    pull: (table: string) => {
      pulls.push(table);
      return Promise.resolve({ table, rows: [{ id: "t" }], cursor: null, more: false });
    },
    watch: (
      _tables: readonly string[],
      onChange: (table: string) => void,
      { signal }: { signal: AbortSignal },
    ) => {
      watches++;
      if (watches === 1) return Promise.reject(new Error("no socket"));
      ring = onChange;
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  });
  await using bench = new SyncBench({ remote: cloud, inbox });
  await bench.begin();
  await bench.passing(() => ring !== undefined);
  const before = pulls.length;
  ring?.("tasks");
  await until(() => pulls.length === before + 1 && bench.lane.rows_pulled === pulls.length);
});

Deno.test("SyncEngine pushes a health row after a drain, once, whatever becomes of it", async () => {
  const health: OutboxBatch = {
    stream: "playtime",
    table: "health",
    operation: "insert",
    rows: [{ id: "live" }],
  };
  const attempts: string[] = [];
  await using bench = new SyncBench({
    batchSize: 10,
    outbox: (real) => ({
      ...real,
      attempted: ({ status, batch }) => {
        attempts.push(`${status} ${batch.rows.length}`);
        return health;
      },
    }),
  });
  await addNotes(bench, 25);
  bench.cloud.behave = (batch, options) =>
    batch.table === "health" ? fail(404)(batch, options) : undefined;
  await bench.begin();
  assert.deepEqual(attempts, ["ok 10", "ok 10", "ok 5"]);
  assert.equal(bench.lane.state, "connected");
  const pushed = bench.cloud.batches.filter(({ table }) => table === "health");
  assert.ok(pushed.length >= 1 && pushed.length <= 2, `${pushed.length} health rows`);
  assert.deepEqual(bench.warnings.list().map(({ code }) => code), ["sync.playtime.health"]);
});

Deno.test("SyncEngine ends at once when nothing is configured", async () => {
  await using engine = await start([lane("playtime", { remote: null, rows: 2 })]);
  await engine.running;
  assert.equal(engine.sync.online(), null);
  assert.equal(engine.sync.status().state, "disabled");
});

/** A lane with rows in memory. */
function lane(
  name: StreamName,
  { remote, rows }: { remote: FakeRemote | null; rows: number },
): {
  setup: LaneSetup;
  add: (rows: number) => void;
} {
  let waiting = Array.from({ length: rows }, (_, n) => ({ id: `${name}-${n}` }));
  const add = (count: number) => {
    waiting = [...waiting, ...Array.from({ length: count }, (_, n) => ({ id: `${name}+${n}` }))];
  };
  return {
    add,
    setup: {
      name,
      remote,
      schedule: { intervalMs: () => 300_000, batchSize: 100, wake: new Notifier() },
      outbox: {
        pending: (limit) => ({
          stream: name,
          table: name,
          operation: "insert",
          rows: waiting.slice(0, limit),
        }),
        settle: (ids) => void (waiting = waiting.filter(({ id }) => !ids.includes(id))),
        reject: () => {},
        readmit: () => {},
        discard: () => {},
        depth: () => ({ rows: waiting.length, oldest: null }),
      },
    },
  };
}

async function start(lanes: readonly ReturnType<typeof lane>[]) {
  const clock = new FakeClock();
  const temp = tempStore([sampleMigration], { clock });
  const stop = new AbortController();
  const sync = new SyncEngine({
    store: temp.store,
    lanes: lanes.map(({ setup }) => setup),
    clock,
    warnings: new Warnings({ clock }),
    hub: new Hub(),
    random: () => 0.5,
    networkInterfaces: () => [],
  });
  const running = sync.run(stop.signal);
  await Promise.resolve();
  return {
    sync,
    running,
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await clock.advance(2_000);
      await running;
      temp[Symbol.dispose]();
    },
  };
}
