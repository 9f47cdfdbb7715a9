/** Clocks of devices on the nights when summer time begins and ends. @module */
import assert from "node:assert/strict";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

const berlin = { time_zone: "Europe/Berlin" };
/** Clocks in Berlin go back at 01:00 UTC. */
const AFTER = "2026-10-25T02:00:00.000Z";

Deno.test("Who set its clock by an offset that is over is to be restarted, until it was", async () => {
  await using relay = await Relay.start({ config: berlin });
  assert.match((await relay.iclock().handshake()).body, /^TimeZone=2$/m);
  relay.clock.set(AFTER);
  await relay.advance(2_000);
  assert.match(
    relay.warnings.list()[0]?.message ?? "",
    /DEV1 has set its clock by UTC\+2, and Europe\/Berlin is at UTC\+1 now: restart it/,
  );
  assert.match((await relay.iclock().handshake()).body, /^TimeZone=1$/m);
  await relay.advance(2_000);
  await until(() => relay.warnings.list().length === 0, "the warning is over");
});

Deno.test("It is known also to an agent that was not running on that night", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using first = await Relay.start({ path, config: berlin });
    await first.iclock().handshake();
  }
  await using second = await Relay.start({ path, config: berlin, clock: new FakeClock(AFTER) });
  await second.advance(10_000);
  assert.equal(second.warnings.list()[0]?.code, "attendance.clock.DEV1");
});

Deno.test("An AiFace device that is connected on that night comes again and is told the new time", async () => {
  await using relay = await Relay.start({ config: { ...berlin, pull_interval_min: 0 } });
  relay.clock.set("2026-10-25T00:59:58.000Z");
  const device = await relay.socket();
  const before = await device.ask({ cmd: "reg", sn: "DEV1" });
  assert.equal(before?.cloudtime, "2026-10-25 02:59:58");
  await relay.advance(4_000);
  await device.socket.closed;
  const again = await relay.socket();
  const after = await again.ask({ cmd: "reg", sn: "DEV1" });
  assert.match(String(after?.cloudtime), /^2026-10-25 02:00:0\d$/);
  await relay.advance(4_000);
  assert(await again.silence(), "and is left alone");
  assert.deepEqual(relay.warnings.list(), []);
});

Deno.test("An AiFace device is left alone while this machine's clock is in doubt", async () => {
  let trusted = true;
  const deps = { clockOffsetMs: () => trusted ? 0 : 3_600_000 };
  await using relay = await Relay.start({ config: { ...berlin, pull_interval_min: 0 }, deps });
  const device = await relay.registered();
  trusted = false;
  relay.clock.set(AFTER);
  await relay.advance(2_000);
  assert(await device.silence());
});
