/** Names as devices of both protocols send them. */
import assert from "node:assert/strict";
import { IclockDevice } from "../../../support/fakes/devices.ts";
import { OtherAddress } from "../../../support/process/other_address.ts";
import { Relay } from "../relay.ts";

async function names(relay: Relay): Promise<Record<string, string | null>> {
  const people = await relay.api("GET", "/people", { query: { limit: 100 } });
  return Object.fromEntries(
    (people as { person_id: string; name: string | null }[])
      .map(({ person_id, name }) => [person_id, name]),
  );
}

const everything = (relay: Relay) =>
  JSON.stringify(
    ["people", "device_names", "device_events", "device_quarantine", "device_logs"]
      .map((table) => relay.rows(`SELECT * FROM ${table}`)),
  );

Deno.test("An iclock device's users give names, in both tables that they come in", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  const operlog = "USER PIN=7\tName=Ann  Smith\tPri=0\tPasswd=4711\tCard=99887766\tGrp=1\n" +
    `FP PIN=7\tFID=0\tSize=9\tValid=1\tTMP=${"TWVz".repeat(99)}\n` +
    "OPLOG 4\t0\t2026-10-05 09:10:00\t8\t0\t0\t0\n";
  assert.equal((await device.post("OPERLOG", operlog)).body, "OK: 3");
  const users =
    "PIN=008\tName=Bo\tPasswd=4711\r\nUSER PIN=9\tName=\tCard=99887766\nPIN=a b\tName=X\n";
  assert.equal((await device.post("USERINFO", users)).body, "OK: 3");
  assert.deepEqual(await names(relay), { "7": "Ann Smith", "008": "Bo", "9": null });
  assert.doesNotMatch(everything(relay), /4711|99887766|TWVz/);
});

Deno.test("An AiFace device's user gives a name, its template is dropped", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  const user = { cmd: "senduser", enrollid: 7, name: "Ann", backupnum: 50, record: "c2VjcmV0" };
  assert.equal((await device.ask(user))?.result, true);
  await device.ask({ ...user, enrollid: 99999999, name: "Stranger" });
  assert.deepEqual(await names(relay), { "7": "Ann" });
  assert.doesNotMatch(everything(relay), /c2VjcmV0/);
});

Deno.test("A name that comes with a new punch counts, one of a punch sent again does not", async () => {
  await using relay = await Relay.start();
  const device = await relay.registered();
  const punch = (time: string, name: string) =>
    device.ask({ cmd: "sendlog", record: [{ enrollid: 7, name, time: `2026-10-05 ${time}` }] });
  await punch("09:00:00", "ANN");
  await punch("09:10:00", "Ann Smith");
  await punch("09:00:00", "ANN");
  assert.deepEqual(await names(relay), { "7": "Ann Smith" });
  await relay.api("PUT", "/people/{id}", { params: { id: "7" }, body: { name: "Ann Jones" } });
  const punches = await relay.api("GET", "/punches", { query: { limit: 9 } });
  assert.deepEqual(
    (punches as { person_name: string }[]).map(({ person_name }) => person_name),
    ["Ann Jones", "Ann Jones"],
  );
});

Deno.test("Names from another address than the device's are not taken, its punches are", async () => {
  await using relay = await Relay.start();
  await relay.iclock().post("ATTLOG", "7\t2026-10-05 09:00:00\t0\t1\n");
  await using network = await OtherAddress.open(relay.port, "127.0.0.2");
  const other = new IclockDevice({ port: network.port, sn: "DEV1" });
  await other.post("USERINFO", "PIN=7\tName=Nobody\nPIN=9\tName=Nobody\n");
  await other.post("ATTLOG", "8\t2026-10-05 09:00:00\t0\t1\n");
  assert.deepEqual(await names(relay), { "7": null, "8": null });
});

Deno.test("A user that cannot be stored is not acknowledged", async () => {
  await using relay = await Relay.start();
  relay.store.db.exec(
    "CREATE TEMP TRIGGER full BEFORE INSERT ON people BEGIN SELECT RAISE(ABORT, 'full'); END",
  );
  assert.equal((await relay.iclock().post("USERINFO", "PIN=7\tName=Ann\n")).status, 503);
  const device = await relay.registered();
  await device.say({ cmd: "senduser", enrollid: 7, name: "Ann" });
  assert(await device.silence());
});
