/**
 * Realtime as a doorbell: real realtime-js against a server that behaves as badly as the real one.
 * @module
 */
import assert from "node:assert/strict";
import type { RecordsStatus } from "../../../src/contract/records.ts";
import { systemClock } from "../../../src/core/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { FaultProxy } from "../../support/servers/fault_proxy.ts";
import { Machine } from "../../support/machine.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";
import { until } from "../../support/until.ts";

const cloud = await Cloud.start({ silenceMs: 1_000 });
const { realtime } = cloud;

function test(behaviour: string, run: (machine: Machine) => Promise<void>): void {
  Deno.test(`Realtime ${behaviour}`, async () => {
    await cloud.empty();
    Object.assign(realtime, {
      readyAfterMs: 5,
      readyStatus: "ok",
      loses: false,
      refuses: undefined,
    });
    await using machine = new Machine(cloud, {
      realtime: true,
      supabase: { heartbeatMs: 300, giveUpMs: 500, random: () => 0 },
    });
    await run(machine);
  });
}

test("brings a task of the cloud within a moment, whatever the schedule says", async (machine) => {
  await until(() => machine.live);
  await insert("t1");
  await until(() => machine.news.includes("tasks/t1"));
  assert.equal(realtime.joins.at(-1)!.length, 3);
  assert.ok(realtime.joins.at(-1)!.every(({ filter }) => filter === "system_id=eq.pc-1"));
});

test("does not trust the reply to a join: what comes before `system ok` is caught up with", async (machine) => {
  realtime.readyAfterMs = 300;
  await until(() => realtime.log.some((entry) => entry.startsWith("phx_join")));
  await machine.sync();
  await insert("t1");
  await systemClock.wait(50);
  assert.deepEqual([machine.live, machine.news], [false, []]);
  await until(() => machine.news.includes("tasks/t1"));
  assert.equal(machine.live, true);
});

test("is told with the time since when it is connected, or is not", async (machine) => {
  const told = () => {
    const { records } = machine.records.status!() as { records: RecordsStatus };
    return { connected: records.realtime, since: Date.parse(records.realtime_since!) };
  };
  const begun = told();
  assert.equal(begun.connected, false);
  await until(() => machine.live);
  const connected = told();
  assert.equal(connected.connected, true);
  assert.ok(connected.since >= begun.since);
  realtime.drop();
  await until(() => !machine.live);
  const away = told();
  assert.equal(away.connected, false);
  assert.ok(away.since >= connected.since);
});

test("comes back after a dropped socket, and catches up with what it missed", async (machine) => {
  await until(() => machine.live);
  realtime.drop();
  await until(() => !machine.live);
  await insert("t1");
  await until(() => machine.live);
  await until(() => machine.news.includes("tasks/t1"));
});

test("comes back after the cable was pulled", async (machine) => {
  await until(() => machine.live);
  cloud.plug.pull();
  await until(() => !machine.live);
  await insert("t1");
  cloud.plug.push();
  await until(() => machine.news.includes("tasks/t1"), "the row");
  await until(() => machine.live, "Realtime");
});

test("leaves lost events to the poll", async (machine) => {
  await until(() => machine.live);
  realtime.loses = true;
  await insert("t1");
  await machine.sync();
  assert.deepEqual(machine.news, ["tasks/t1"]);
});

test("keeps its socket open with heartbeats", async (machine) => {
  await until(() => machine.live);
  const before = realtime.heartbeats;
  const { joins } = realtime;
  const joined = joins.length;
  // Longer than the server bears silence.
  await systemClock.wait(1_500);
  assert.ok(realtime.heartbeats - before >= 3);
  assert.equal(joins.length, joined);
  assert.equal(machine.live, true);
});

test("makes its channel anew when the server says that it cannot hear the database", async (machine) => {
  realtime.readyStatus = "error";
  await until(() => realtime.joins.length > 0);
  const joined = realtime.joins.length;
  await systemClock.wait(20);
  assert.equal(machine.live, false);
  realtime.readyStatus = "ok";
  await until(() => machine.live);
  assert.ok(realtime.joins.length > joined);
});

test("makes its channel anew when the server loses the database", async (machine) => {
  await until(() => machine.live);
  realtime.lose();
  await until(() => !machine.live);
  await insert("t1");
  await until(() => machine.live);
  await until(() => machine.news.includes("tasks/t1"));
});

test("does not wait for ever on joins that are refused", async (machine) => {
  realtime.refuses = "ConnectionRateLimitReached: Too many connected users";
  await machine.sync();
  assert.equal(machine.live, false);
  assert.equal(machine.lane.last_error, null);
  realtime.refuses = undefined;
  await until(() => machine.live);
});

test("sends its own changes without being woken into a loop by their echo", async (machine) => {
  await until(() => machine.live);
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  await until(() => realtime.delivered > 0);
  await until(async () => {
    const before = cloud.requests.length;
    await systemClock.wait(300);
    return cloud.requests.length === before;
  }, "it to rest");
  assert.deepEqual(machine.news, []);
});

test("reads a row by its pull when it is too large to be told", async (machine) => {
  await until(() => machine.live);
  await cloud.sql(
    "INSERT INTO tasks (id, system_id, title) VALUES ('t1', 'pc-1', repeat('x', 1100000))",
  );
  await until(() => machine.news.includes("tasks/t1"));
  assert.equal(String((await machine.get("tasks", "t1"))?.title).length, 1_100_000);
});

test("goes on with a fresh token when the old one runs out", async (machine) => {
  await until(() => machine.live);
  // As after an hour: the server drops the channel, the client refreshes and joins again.
  realtime.expireAll();
  await until(() => !machine.live);
  await until(() => machine.live);
  await insert("t1");
  await until(() => machine.news.includes("tasks/t1"));
});

Deno.test("Realtime does not keep the agent from stopping while nobody answers its sign-in", async () => {
  await cloud.empty();
  await using proxy = new FaultProxy(cloud.plug.port);
  proxy.fault = { kind: "half-open" };
  const supabase = supabaseOn(cloud, {
    url: `http://127.0.0.1:${proxy.port}`,
    realtime: true,
    timeoutMs: 60_000,
  });
  const stop = new AbortController();
  const watching = supabase.watch!(["tasks"], () => {}, { signal: stop.signal });
  await until(() => proxy.links === 1, "the sign-in on its way");
  stop.abort();
  await watching;
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function insert(id: string): Promise<void> {
  await cloud.sql("INSERT INTO tasks (id, system_id, title) VALUES ($1, 'pc-1', 'sweep')", [id]);
}
