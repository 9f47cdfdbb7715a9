/** What becomes of a message too large to wait for its end, over the real listener. @module */
import assert from "node:assert/strict";
import { rawRequest } from "../../../../support/raw_wire.ts";
import { until } from "../../../../support/until.ts";
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
    deps: { limits: { messageBytes: 2_000, strangerBytes: 1_000_000, ...limits } },
  });

const post = (relay: Relay, body: string) =>
  rawRequest(relay.port, { method: "POST", path: "/", body, timeoutMs: 10_000 });

/** The files in the quarantine, whole or not. */
function files(relay: Relay): string[] {
  try {
    return [...Deno.readDirSync(relay.store.path.replace("clockblock.db", "quarantine"))]
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

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
    assert.equal(files(relay).length, 1);
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
  assert.deepEqual(files(relay), []);
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
    const entries = relay.rows("SELECT device_sn, reason, file FROM device_quarantine");
    assert.deepEqual(entries.map(({ file }) => file), files(relay).sort(), "each is looked at");
    assert.equal(entries.length, 2);
    assert(entries.every(({ device_sn }) => device_sn === "DEV1"));
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

Deno.test("A large message that breaks off leaves no file", async () => {
  await using relay = await start();
  const begun = `{"cmd":"sendlog","sn":"DEV1","record":[${records()},`;
  const device = await relay.registered();
  await device.socket.send(begun);
  await until(() => files(relay).length === 1, "a file is begun");
  await device.socket.send(`${"[".repeat(40)}`);
  await until(() => files(relay).length === 0, "it is nested too deep, and its file is gone");
  await device.socket.send(begun);
  await until(() => files(relay).length === 1, "a file is begun");
  device.socket.close();
  await until(() => files(relay).length === 0, "the file is gone");
});

Deno.test("A large message whose entry cannot be stored is not acknowledged and leaves no file", async () => {
  await using relay = await start();
  relay.store.db.exec(
    "CREATE TEMP TRIGGER broken BEFORE INSERT ON device_quarantine BEGIN SELECT RAISE(ABORT, 'x'); END",
  );
  const message = `{"cmd":"sendlog","sn":"DEV1","count":${COUNT},"record":[${records()}]}`;
  assert.equal((await post(relay, message)).status, 503);
  assert.deepEqual(files(relay), []);
  const reply = await relay.iclock().post("ATTLOG", "1\t2026-10-05 09:15:30\t0\t15\n".repeat(99));
  assert.equal(reply.status, 503);
  assert.deepEqual(files(relay), []);
});
