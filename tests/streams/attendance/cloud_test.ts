import assert from "node:assert/strict";
import { createEndpoint } from "../../../src/remotes/endpoint/mod.ts";
import { syncBatch } from "../../../src/streams/attendance/mod.ts";
import { SyncEngine } from "../../../src/sync/mod.ts";
import { AifaceDevice } from "../../support/fakes/devices.ts";
import { FaultyServer } from "../../support/servers/faulty_server.ts";
import { Relay } from "./relay.ts";
import { until } from "../../support/until.ts";

/** The relay's outbox on its way to a server, by the real engine. */
function engine(relay: Relay, cloud: FaultyServer) {
  const remote = createEndpoint({
    url: `http://127.0.0.1:${cloud.port}`,
    path: "/api/devices/sync-batch",
    envelope: syncBatch("agent-1"),
    clock: relay.clock,
  });
  const { store, hub, warnings, clock, stream } = relay;
  const { outbox, schedule } = stream;
  const lanes = [{ name: "attendance" as const, outbox: outbox!, schedule: schedule!, remote }];
  const made = new SyncEngine({ store, hub, warnings, clock, lanes, networkInterfaces: () => [] });
  const stop = new AbortController();
  const running = made.run(stop.signal);
  return {
    engine: made,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

const punch = (id: number) => ({ enrollid: id, time: "2026-10-05 09:15:30" });

Deno.test("Conformance: 35. a batch that was stored and not answered is sent again and is the same", async () => {
  await using relay = await Relay.start();
  await using cloud = await FaultyServer.start();
  cloud.faults.push({ kind: "reset-after-apply" });
  await using lane = engine(relay, cloud);
  const device = await relay.registered();
  const record = [1, 2, 3].map(punch);
  await device.ask({ cmd: "sendlog", sn: "DEV1", record });
  await until(async () => {
    await relay.skip(11_000);
    return cloud.posts.length >= 2 && relay.stream.outbox!.depth().rows === 0;
  }, "the cloud has it, twice");
  const [first, second] = cloud.posts;
  assert.equal(first!.path, "/api/devices/sync-batch");
  assert.deepEqual(second!.ids, first!.ids);
  assert.equal(cloud.rows.size, 3);
  const { raw, ...row } = [...cloud.rows.values()][0]!;
  assert.deepEqual(row, {
    id: relay.punches()[0]!.id,
    device_sn: "DEV1",
    person_id: "1",
    punched_at: "2026-10-05T03:45:30.000Z",
    device_time: "2026-10-05 09:15:30",
    time_zone: "Asia/Kolkata",
    mode: null,
    in_out: null,
    event: null,
    direction: "in",
    direction_by: "alternation",
    struck: false,
    added_by: null,
    person_name: null,
  });
  assert.equal(raw, '{"enrollid":1,"time":"2026-10-05 09:15:30"}');
  assert.notEqual(relay.punches()[0]!.synced_at, null);
  assert.equal(lane.engine.status().online, true);
});

Deno.test("Conformance: 35a. a batch that was stored and answered too late is sent again under the same ids", async () => {
  await using relay = await Relay.start();
  await using cloud = await FaultyServer.start();
  cloud.faults.push({ kind: "slow", ms: 60_000 });
  await using _lane = engine(relay, cloud);
  const device = await relay.registered();
  await device.ask({ cmd: "sendlog", sn: "DEV1", record: [1, 2, 3].map(punch) });
  await until(async () => {
    await relay.skip(11_000);
    return cloud.posts.length >= 2 && relay.stream.outbox!.depth().rows === 0;
  }, "the cloud has it, twice");
  // Smaller batches may follow one that took too long; what counts is that the ids stay.
  const ids = relay.punches().map(({ id }) => id);
  assert.deepEqual(cloud.posts[0]!.ids, ids);
  assert.deepEqual([...new Set(cloud.posts.slice(1).flatMap((post) => post.ids))], ids);
  assert.equal(cloud.rows.size, 3);
});

Deno.test("Conformance: 35b. devices are acknowledged for two days while the cloud is down", async () => {
  await using relay = await Relay.start();
  await using cloud = await FaultyServer.start();
  cloud.nextFault = () => ({ kind: "reset" });
  await using _lane = engine(relay, cloud);
  const device = await relay.registered();
  for (let hour = 0; hour < 48; hour++) {
    const time = new Date(Date.parse("2026-10-05T09:15:30Z") + hour * 3_600_000).toISOString();
    const record = [{ enrollid: 7, time: time.slice(0, 19).replace("T", " ") }];
    assert.equal((await device.ask({ cmd: "sendlog", sn: "DEV1", record }))?.result, true);
    relay.clock.set(relay.clock.now() + 3_600_000);
  }
  assert.equal(relay.stream.outbox!.depth().rows, 48);
  assert.equal(cloud.rows.size, 0);
  cloud.nextFault = () => undefined;
  await until(async () => {
    await relay.skip(300_000);
    return cloud.rows.size === 48 && relay.stream.outbox!.depth().rows === 0;
  }, "all are in the cloud");
  assert([...cloud.deliveries.values()].every((times) => times === 1));
});

Deno.test("The envelope of a batch is the same for the same punches", () => {
  const envelope = syncBatch("agent-1");
  const batch = (ids: string[]) =>
    ({
      stream: "attendance",
      table: "punches",
      operation: "insert",
      rows: ids.map((id) => ({ id })),
    }) as const;
  const { agent_id, batch_id, logs } = envelope(batch(["a", "b"]));
  assert.deepEqual([agent_id, logs], ["agent-1", [{ id: "a" }, { id: "b" }]]);
  assert.equal(envelope(batch(["a", "b"])).batch_id, batch_id);
  assert.notEqual(envelope(batch(["a", "c"])).batch_id, batch_id);
  const rows = [{ id: "a", struck: true }, { id: "b" }];
  assert.notEqual(envelope({ ...batch([]), rows }).batch_id, batch_id);
});

Deno.test("A device that gets no answer hangs up, comes again and brings all of it", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const acknowledged: unknown[] = [];
  const device = new AifaceDevice({
    port: relay.port,
    sn: "DEV1",
    patienceMs: 60,
    onAcknowledged: (record) => acknowledged.push(record),
  });
  device.punch(...Array.from({ length: 40 }, (_, i) => punch(i + 1)));
  relay.break();
  const stop = new AbortController();
  const running = device.run(stop.signal);
  await until(() => device.registrations >= 3, "it has come three times");
  assert.deepEqual([acknowledged.length, relay.count("device_logs")], [0, 0]);
  relay.mend();
  await until(() => device.waiting === 0, "all is acknowledged");
  assert.equal(relay.count("device_logs"), 40);
  stop.abort();
  await running;
});
