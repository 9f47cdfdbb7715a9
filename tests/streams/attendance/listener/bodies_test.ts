/** How much a body may be, and of whom. @module */
import assert from "node:assert/strict";
import { rawRequest } from "../../../support/fakes/raw_wire.ts";
import { DEFAULT_LIMITS } from "../../../../src/streams/attendance/devices/limits.ts";
import { Relay } from "../relay.ts";

/** When a test gives up that a body is ever answered. */
const timeoutMs = 10_000;
const STRANGER_BYTES = 10_000;
const LIMITS = { strangerBytes: STRANGER_BYTES, maxMessageBytes: 100_000 };
const start = (limits = {}) => Relay.start({ deps: { limits: { ...LIMITS, ...limits } } });

const record = (from: number, count: number) =>
  Array.from(
    { length: count },
    (_, i) => ({ enrollid: from + i, time: "2026-10-05 09:15:30", mode: 0, inout: 0 }),
  );
const sendlog = (sn: string | undefined, count: number, from = 1) =>
  JSON.stringify({ cmd: "sendlog", sn, count, logindex: 1, record: record(from, count) });

const post = (relay: Relay, body: string, headers: Record<string, string> = {}) =>
  rawRequest(relay.port, { method: "POST", path: "/pub/api", body, headers, timeoutMs });

/** The first bytes of a longer body: one more than a stranger may send, so that nothing is left unread. */
const tooMuch = (body: string) => {
  assert(body.length > STRANGER_BYTES);
  return [body.slice(0, STRANGER_BYTES + 1), { "Content-Length": String(body.length) }] as const;
};

for (
  const [whose, body] of [
    ["that is noise", "noise ".repeat(5_000)],
    ["that is white space", " ".repeat(30_000)],
    ["of an unknown device", sendlog("EVIL", 200)],
    ["of many messages of an unknown device", sendlog("EVIL", 1).repeat(200)],
    ["that names nobody", sendlog(undefined, 200)],
    [
      "that names an approved device within a record",
      sendlog(undefined, 200, 1)
        .replace('"record":[', '"record":[{"sn":"DEV1"},'),
    ],
    [
      "that would name an approved device at its end",
      `${sendlog(undefined, 200).slice(0, -1)},"sn":"DEV1"}`,
    ],
  ] as const
) {
  Deno.test(`A body ${whose} ends at the stranger's limit, and nothing of it is kept`, async () => {
    await using relay = await start();
    const reply = await post(relay, ...tooMuch(body));
    assert.deepEqual([reply.status, reply.body], [400, "the body is too long\n"]);
    assert.equal(reply.headers.get("Connection"), "close");
    for (const table of ["device_logs", "device_events", "device_quarantine"]) {
      assert.equal(relay.count(table), 0, table);
    }
  });
}

Deno.test("An approved device's body may be larger", async () => {
  await using relay = await start();
  const reply = await post(relay, sendlog("DEV1", 600));
  assert.equal(reply.status, 200);
  assert.equal(JSON.parse(reply.body).count, 600);
  assert.equal(relay.count("device_logs"), 600);
  assert.equal(relay.count("device_quarantine"), 0);
});

Deno.test("A body whose first message is an approved device's may go on with any other", async () => {
  await using relay = await start();
  const late = `${sendlog(undefined, 200, 1_000).slice(0, -1)},"sn":"DEV1"}`;
  const reply = await post(relay, sendlog("DEV1", 1) + late);
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.body.split("\n").map((line) => JSON.parse(line).count), [1, 200]);
  assert.equal(relay.count("device_logs"), 201);
});

Deno.test("A WebSocket's message has the same limits", async () => {
  await using relay = await start({ strangerBytes: 100_000, maxMessageBytes: 1_000_000 });
  const device = await relay.socket();
  await device.socket.send(sendlog("DEV1", 3_000));
  assert.equal((await device.hear())?.count, 3_000, "it has not registered, and says who it is");
  for (const sn of ["EVIL", undefined]) {
    const stranger = await relay.socket();
    await stranger.socket.send(sendlog(sn, 3_000, 5_000)).catch(() => {});
    assert.equal(await stranger.hear(), undefined, "hung up on");
  }
  assert.equal(relay.count("device_logs"), 3_000);
  assert.equal(relay.count("device_quarantine"), 0);
});

Deno.test("An approved device's body ends too", async () => {
  await using relay = await start();
  const body = sendlog("DEV1", 3_000);
  const headers = { "Content-Length": String(body.length) };
  assert.equal((await post(relay, "", headers)).status, 400);
});

Deno.test("A body that is too long to be parsed is not understood, and its beginning kept of a device", async () => {
  await using relay = await start({
    strangerBytes: 1_000_000,
    maxMessageBytes: 1_000_000,
  });
  const members = '"a":1,'.repeat(100_000);
  for (const sn of ["EVIL", "DEV1"]) {
    const reply = await post(relay, `{"cmd":"x","sn":"${sn}",${members}"z":0}`);
    assert.deepEqual([reply.status, reply.body], [400, "not understood\n"]);
  }
  const [entry, ...others] = relay.rows("SELECT device_sn, raw FROM device_quarantine");
  assert.deepEqual([entry?.device_sn, others], ["DEV1", []]);
  assert(String(entry?.raw).length <= 17_000);
});

Deno.test("A body of more messages than are answered at once is refused", async () => {
  await using relay = await start({ maxMessageBytes: 1_000_000 });
  const body = JSON.stringify({ cmd: "checklive", sn: "DEV1" }).repeat(10_001);
  const reply = await post(relay, body, { "Content-Length": String(body.length + 1) });
  assert.deepEqual([reply.status, reply.body], [400, "too many messages in one body\n"]);
});

Deno.test("A body that takes too much memory is to be sent again", async () => {
  await using relay = await start({ strangers: { ...DEFAULT_LIMITS.strangers, heldBytes: 2_000 } });
  const body = sendlog("EVIL", 100);
  const headers = { "Content-Length": String(body.length) };
  const reply = await post(relay, body.slice(0, 4_000), headers);
  assert.deepEqual([reply.status, reply.headers.get("Connection")], [503, "close"]);
  assert.equal((await post(relay, sendlog("DEV1", 1))).status, 200, "what was held is free again");
});

for (
  const [what, method, path, answer] of [
    ["of what is not there", "PUT", "/nowhere", "not found\n"],
    ["of an unknown device", "POST", "/iclock/cdata?SN=EVIL&table=ATTLOG", "device not allowed\n"],
    ["without a serial number", "POST", "/iclock/cdata?table=ATTLOG", "serial number not valid\n"],
    ["of a question", "GET", "/iclock/getrequest?SN=DEV1", "OK"],
    ["of an answer to a command", "POST", "/iclock/devicecmd?SN=EVIL", "OK"],
    ["that only goes to the log", "POST", "/iclock/registry?SN=EVIL", "OK"],
  ] as const
) {
  Deno.test(`A request's body ${what} ends at the stranger's limit`, async () => {
    await using relay = await start();
    const ask = async (headers: Record<string, string>, body = "") =>
      (await rawRequest(relay.port, { method, path, headers, body, timeoutMs })).body;
    const tooLong = "the body is too long\n";
    assert.equal(await ask({ "Content-Length": String(STRANGER_BYTES + 1) }), tooLong);
    const chunked = { "Transfer-Encoding": "chunked" };
    const chunk = `1000\r\n${"x".repeat(0x1000)}\r\n`;
    assert.equal(await ask(chunked, `${chunk}${chunk}1000\r\n`), tooLong);
    // A byte at a time, with a thousand around it, and what may follow a body.
    const padding = `1;${"x".repeat(998)}\r\n`;
    assert.equal(await ask(chunked, `${padding}x\r\n`.repeat(9) + padding), tooLong);
    assert.equal(await ask(chunked, `0\r\n${`X: ${"x".repeat(997)}\r\n`.repeat(10)}`), tooLong);
    assert.equal(await ask({ "Content-Length": "5" }, "small"), answer);
  });
}
