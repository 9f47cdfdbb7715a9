/** Messages whose records are stored before they end, over the real listener. @module */
import assert from "node:assert/strict";
import { rawRequest } from "../../../../support/fakes/raw_wire.ts";
import { DEFAULT_LIMITS } from "../../../../../src/streams/attendance/devices/limits.ts";
import { Relay } from "../../relay.ts";

/** More than arrives at once. */
const COUNT = 3_000;
const records = (count = COUNT) =>
  Array.from(
    { length: count },
    (_, i) => JSON.stringify({ enrollid: i + 1, time: "2026-10-05 09:15:30", mode: 0, inout: 0 }),
  ).join(",");

const start = (limits = {}) =>
  Relay.start({
    config: { devices: [{ sn: "DEV1", name: "A" }, { sn: "DEV2", name: "B" }] },
    deps: { limits: { strangerBytes: 1_000_000, ...limits } },
  });

const post = (relay: Relay, body: string) =>
  rawRequest(relay.port, { method: "POST", path: "/", body, timeoutMs: 10_000 });

for (
  const [order, message] of [
    ["the sender last", `{"cmd":"sendlog","count":${COUNT},"record":[${records()}],"sn":"DEV1"}`],
    ["its command last", `{"sn":"DEV1","count":${COUNT},"record":[${records()}],"cmd":"sendlog"}`],
    ["both last", `{"record":[${records()}],"count":${COUNT},"sn":"DEV1","cmd":"sendlog"}`],
    ["both first", `{"sn":"DEV1","cmd":"sendlog","count":${COUNT},"record":[${records()}]}`],
  ] as const
) {
  Deno.test(`A large message with ${order} is acknowledged with all its records stored`, async () => {
    await using relay = await start();
    const reply = await post(relay, message);
    assert.equal(JSON.parse(reply.body).count, COUNT);
    assert.equal(relay.count("device_logs"), COUNT);
    const device = await relay.registered();
    await device.socket.send(message.replaceAll("09:15:30", "09:15:31"));
    assert.equal((await device.hear())?.count, COUNT);
    assert.equal(relay.count("device_logs"), 2 * COUNT);
  });
}

Deno.test("A large message of an unknown device is refused, and nothing of it is kept", async () => {
  await using relay = await start();
  for (const sn of [`"sn":"EVIL",`, ""]) {
    const reply = await post(relay, `{${sn}"cmd":"sendlog","record":[${records()}]}`);
    assert.deepEqual([reply.status, reply.body], [403, "device not allowed\n"]);
  }
  assert.equal(relay.count("device_logs"), 0);
});

Deno.test("A large message that does not say what it is takes no more memory than there is", async () => {
  await using relay = await start({
    strangers: { ...DEFAULT_LIMITS.strangers, heldBytes: 30_000 },
  });
  const reply = await post(relay, `{"record":[${records()}],"sn":"DEV1","cmd":"sendlog"}`);
  assert.equal(reply.status, 503);
  assert.equal(relay.count("device_logs"), 0);
});

for (
  const [contradiction, end] of [
    ["another sender", '"sn":"DEV2"'],
    ["another command", '"cmd":"senduser"'],
    ["a sender that nobody knows", '"sn":"EVIL"'],
  ] as const
) {
  Deno.test(`A large message that ends with ${contradiction} is not acknowledged`, async () => {
    await using relay = await start();
    const body = `{"sn":"DEV1","cmd":"sendlog","record":[${records()}],${end}}`;
    const reply = await post(relay, body);
    assert.deepEqual([reply.status, reply.body], [400, "not understood\n"]);
    assert.equal((await post(relay, body)).status, 400);
    const [entry, ...more] = relay.rows("SELECT device_sn, reason FROM device_quarantine");
    assert.equal(entry?.device_sn, "DEV1");
    assert.deepEqual(more, [], "the same is kept once");
  });
}

Deno.test("A large message with fewer records than it announces is acknowledged only when repeated", async () => {
  await using relay = await start();
  const device = await relay.registered();
  const message = `{"cmd":"sendlog","sn":"DEV1","count":${COUNT + 1},"record":[${records()}]}`;
  await device.socket.send(message);
  assert(await device.silence());
  assert.equal(relay.count("device_logs"), COUNT);
  await device.socket.send(message);
  assert.equal((await device.hear())?.count, COUNT + 1);
});

Deno.test("A large page of the past has the next one asked for", async () => {
  await using relay = await start();
  const device = await relay.registered();
  await relay.advance(5_000);
  assert.deepEqual((await device.hear())?.stn, true);
  const page = `"result":true,"count":${2 * COUNT},"from":0,"to":${COUNT - 1}`;
  await device.socket.send(`{"ret":"getalllog","sn":"DEV1",${page},"record":[${records()}]}`);
  assert.deepEqual((await device.hear())?.stn, false);
  assert.equal(relay.count("device_logs"), COUNT);
});

Deno.test("A large message that breaks off has its first records stored, and is never acknowledged", async () => {
  await using relay = await start();
  const begun = `{"cmd":"sendlog","sn":"DEV1","count":${COUNT},"record":[${records()},`;
  const device = await relay.registered();
  await device.socket.send(`${begun}${"[".repeat(40)}`);
  assert(await device.silence());
  assert(relay.count("device_logs") > 0);
  assert.equal(relay.count("device_quarantine"), 1, "it is nested too deep");
  await device.socket.send(`${begun.slice(0, -1)}]}`);
  assert.equal((await device.hear())?.count, COUNT);
  assert.equal(relay.count("device_logs"), COUNT);
});

Deno.test("A large message of which a record cannot be stored is not acknowledged", async () => {
  await using relay = await start();
  relay.store.db.exec(
    "CREATE TEMP TRIGGER broken BEFORE INSERT ON device_logs WHEN NEW.person_id = '5' " +
      "BEGIN SELECT RAISE(ABORT, 'x'); END",
  );
  const message = `{"cmd":"sendlog","sn":"DEV1","count":${COUNT},"record":[${records()}]}`;
  assert.equal((await post(relay, message)).status, 503);
  const lines = Array.from({ length: 2_000 }, (_, i) => `${i}\t2026-10-05 09:15:31\t0\t15\n`);
  assert.equal((await relay.iclock().post("ATTLOG", lines.join(""))).status, 503);
  relay.store.db.exec("DROP TRIGGER temp.broken");
  assert.equal(JSON.parse((await post(relay, message)).body).count, COUNT);
  assert.equal((await relay.iclock().post("ATTLOG", lines.join(""))).body, "OK: 2000");
  assert.equal(relay.count("device_logs"), COUNT + 2_000);
});

Deno.test("Large records of other commands are not kept, and the command is answered", async () => {
  await using relay = await start();
  const device = await relay.registered();
  const record = Array.from(
    { length: 2_000 },
    (_, id) => ({ id, text: "not so long ".repeat(20) }),
  );
  const answer = await device.ask({ cmd: "something", sn: "DEV1", record });
  assert.deepEqual(answer, { ret: "something", result: true });
  assert.equal(relay.count("device_logs"), 0);
  assert.equal(relay.count("device_events"), 1);
});
