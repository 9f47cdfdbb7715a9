import assert from "node:assert/strict";
import { Relay } from "../../relay.ts";

const LINE = "1001\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n";

Deno.test("A device is told to send everything again until that could be noted", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  await device.post("ATTLOG", LINE, { stamp: "100" });
  await relay.api("POST", "/devices/{sn}/resync", { params: { sn: "DEV1" } });
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  relay.store.db.exec(`CREATE TEMP TRIGGER stuck BEFORE DELETE ON device_stamps
    BEGIN SELECT RAISE(ABORT, 'stuck'); END`);
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  // It has begun again, and restarts before it has come to the end: it begins once more.
  assert.match((await device.handshake("options=all")).body, /^ATTLOGStamp=0$/m);
  await relay.advance(10_000);
  assert.equal(relay.rows("SELECT resync FROM devices")[0]?.resync, 1);
});

Deno.test("A stranger's punches are neither stored nor acknowledged", async () => {
  await using relay = await Relay.start();
  const reply = await relay.iclock("NEW1").post("ATTLOG", LINE);
  assert.deepEqual([reply.status, reply.body], [503, "device not allowed\n"]);
  assert.equal(relay.count("device_logs"), 0);
});
