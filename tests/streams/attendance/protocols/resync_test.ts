/** "Send everything again" is kept until the device was asked, whatever happens in between. @module */
import assert from "node:assert/strict";
import { rawRequest } from "../../../support/fakes/raw_wire.ts";
import { tempDir } from "../../../support/temp.ts";
import { Relay } from "../relay.ts";

const LINE = "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n";
const ALL = { cmd: "getalllog", stn: true, from: "2026-07-05", to: "2026-10-06" };
const EMPTY = { ret: "getalllog", sn: "DEV1", result: true, count: 0, record: [] };

const resync = (relay: Relay, sn = "DEV1") =>
  relay.api("POST", "/devices/{sn}/resync", { params: { sn } });

Deno.test("An iclock device that punches before it restarts begins anew all the same", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  await device.post("ATTLOG", LINE, { stamp: "100" });
  await resync(relay);
  assert.equal((await device.post("ATTLOG", LINE, { stamp: "101" })).body, "OK: 1");
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  await device.post("ATTLOG", LINE, { stamp: "102" });
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=102$/m);
});

Deno.test("An iclock device that restarts before it says so restarts once", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  await device.poll();
  await resync(relay);
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  await device.handshake("options=all");
  await relay.skip(301_000);
  assert.equal((await device.poll()).body, "OK");
});

Deno.test("An iclock device is asked also when the agent was restarted in between", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using first = await Relay.start({ path });
    await first.iclock().post("ATTLOG", LINE, { stamp: "100" });
    await resync(first);
  }
  await using second = await Relay.start({ path });
  const device = second.iclock();
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  await second.advance(10_000);
  assert.equal(second.rows("SELECT resync FROM devices")[0]?.resync, 0);
});

Deno.test("An AiFace device that is away is asked for everything when it calls, until it has answered", async () => {
  await using relay = await Relay.start();
  const before = await relay.registered();
  before.socket.close();
  await before.socket.closed;
  await resync(relay);
  for (const answers of [false, true]) {
    const device = await relay.registered();
    await relay.advance(4_000);
    assert.deepEqual(await device.hear(), ALL);
    if (answers) await device.say(EMPTY);
    assert(await device.silence());
  }
  const device = await relay.registered();
  await relay.advance(4_000);
  assert.equal((await device.hear())?.from, "2026-10-04", "as after any absence");
});

Deno.test("An AiFace device that is there is asked for everything at once, also where it never is else", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const device = await relay.registered();
  await resync(relay);
  await relay.advance(2_000);
  assert.deepEqual(await device.hear(), ALL);
});

Deno.test("A device that cannot be asked is not said to be", async () => {
  await using relay = await Relay.start();
  await relay.iclock("NEW1").handshake();
  await assert.rejects(resync(relay, "NEW1"), /Device not approved/);
  const body = JSON.stringify({ cmd: "reg", sn: "DEV1" });
  await rawRequest(relay.port, { method: "POST", path: "/pub/api", body });
  await assert.rejects(resync(relay), /Device cannot be asked/);
  assert.equal((await relay.iclock("NEW1").poll()).body, "OK");
});

Deno.test("An AiFace device that was last seen by a clock far ahead is asked as after a long absence", async () => {
  await using relay = await Relay.start();
  const before = await relay.registered();
  before.socket.close();
  await before.socket.closed;
  const now = relay.clock.now();
  relay.clock.set(now + 4_000 * 86_400_000);
  const ahead = await relay.registered();
  ahead.socket.close();
  await ahead.socket.closed;
  relay.clock.set(now);
  const device = await relay.registered();
  await relay.advance(4_000);
  assert.equal((await device.hear())?.from, "2026-09-03");
});
