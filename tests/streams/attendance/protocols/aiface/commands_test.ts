import assert from "node:assert/strict";
import { Relay } from "../../relay.ts";

const ok = (cmd: string) => ({ ret: cmd, result: true });

Deno.test("Nobody is let in by this agent: whoever asks for entry is refused, and it is kept", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  for (const cmd of ["sendqrcode", "sendpin"]) {
    const answer = await device.ask({ cmd, sn: "DEV1", enrollid: 7, record: "1234" });
    assert.deepEqual(answer, { ret: cmd, result: false }, cmd);
  }
  assert.deepEqual(
    relay.rows("SELECT kind FROM device_events ORDER BY rowid").map(({ kind }) => kind),
    ["sendqrcode", "sendpin"],
  );
});

Deno.test("A command that nobody planned for is kept, and answered once it is", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  assert.deepEqual(await device.ask({ cmd: "opendoor", sn: "DEV1" }), ok("opendoor"));
  relay.store.db.exec(`CREATE TEMP TRIGGER broken BEFORE INSERT ON device_events
    BEGIN SELECT RAISE(ABORT, 'broken'); END`);
  await device.say({ cmd: "closedoor", sn: "DEV1" });
  // What is answered next is another question.
  assert(await device.silence());
  assert.equal(relay.count("device_events"), 1);
});
