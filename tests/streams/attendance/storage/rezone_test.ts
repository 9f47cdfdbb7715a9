import assert from "node:assert/strict";
import { instantOf } from "../../../../src/core/mod.ts";
import { tempDir } from "../../../support/temp.ts";
import { Relay } from "../relay.ts";
import { until } from "../../../support/until.ts";

const record = Array.from({ length: 250 }, (_, i) => ({
  enrollid: i + 1,
  time: i === 0 ? "2026-03-29 02:30:00" : "2026-10-04 09:15:30",
}));

Deno.test("Punches are computed again and sent again when the zone of their device is corrected", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = await Relay.start({ path });
  await (await first.registered()).ask({ cmd: "sendlog", sn: "DEV1", record });
  const { outbox } = first.stream;
  await first.store.write(() => {
    const ids = outbox!.pending(100).rows.map(({ id }) => id);
    outbox!.settle(ids, instantOf(first.clock.now()));
  });
  assert.equal(outbox!.depth().rows, 150);
  const before = first.punches();
  await first.stop();

  await using second = await Relay.start({ path, config: { time_zone: "Europe/Berlin" } });
  await until(
    () => second.punches().every(({ time_zone }) => time_zone === "Europe/Berlin"),
    "all are computed again",
  );
  const after = second.punches();
  assert.deepEqual(
    after.slice(0, 2).map(({ punched_at, time_suspect }) => [punched_at, time_suspect]),
    [["2026-03-29T01:30:00.000Z", 1], ["2026-10-04T07:15:30.000Z", 0]],
  );
  assert.deepEqual(after.map(({ id }) => id), before.map(({ id }) => id));
  assert.equal(second.stream.outbox!.depth().rows, 250);
  // Also the hundred that the cloud had.
  const again = second.stream.outbox!.pending(1_000).rows;
  assert.equal(again.length, 250);
  assert.ok(again.every(({ time_zone }) => time_zone === "Europe/Berlin"));
  assert.equal((await second.device())?.time_zone, "Europe/Berlin");
  await second.advance(10_000);
  assert.equal(second.rows("SELECT read_zone FROM devices")[0]?.read_zone, "Europe/Berlin");
});

Deno.test("Punches are computed again when a device is approved for another zone", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  await device.ask({ cmd: "sendlog", sn: "DEV1", record: record.slice(1, 3) });
  const body = { time_zone: "UTC" };
  await relay.api("POST", "/devices/{sn}/approve", { params: { sn: "DEV1" }, body });
  await relay.advance(10_000);
  await until(() => relay.punches()[0]?.time_zone === "UTC", "they are computed again");
  assert.equal(relay.punches()[0]?.punched_at, "2026-10-04T09:15:30.000Z");
});

Deno.test("Punches are computed again also when the agent was killed before it had written who sent them", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = await Relay.start({ path });
  await first.advance(1_000);
  await (await first.registered()).ask({
    cmd: "sendlog",
    sn: "DEV1",
    record: record.slice(1, 3),
  });
  Deno.mkdirSync(`${dir.path}/killed`);
  for (const end of ["", "-wal"]) {
    Deno.copyFileSync(`${path}${end}`, `${dir.path}/killed/clockblock.db${end}`);
  }
  await first.stop();

  const config = { time_zone: "UTC" };
  await using second = await Relay.start({ path: `${dir.path}/killed/clockblock.db`, config });
  assert.equal((await second.device())?.last_seen, "2026-10-05T03:50:01.000Z");
  await second.advance(10_000);
  await until(() => second.punches()[0]?.time_zone === "UTC", "they are computed again");
});
