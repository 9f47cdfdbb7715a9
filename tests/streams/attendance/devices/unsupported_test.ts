/** @module */
import assert from "node:assert/strict";
import { firstLineOf } from "../../../../src/streams/attendance/devices/unsupported.ts";
import { rawRequest, RawSocket } from "../../../support/fakes/raw_wire.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("firstLineOf gives one line, bounded, printable, without secrets", () => {
  const cases: [string | Uint8Array, string][] = [
    ["GET /device/hello HTTP/1.1\r\nHost: x\r\n", "GET /device/hello HTTP/1.1"],
    [bytes("\r\n\r\nHELLO 1\nmore"), "HELLO 1"],
    ["GET /x?SN=A1&pushcommkey=s3cret&token=t&pin=5", "GET /x?SN=A1&pushcommkey=…&token=…&pin=5"],
    [
      "<Login><Password>1234</Password><User>a</User>",
      "<Login><Password>…</Password><User>a</User>",
    ],
    ["LOGIN passwd=1234", "LOGIN passwd="],
    ["red\u001b[31m \u202egnp", "red[31m gnp"],
    [
      new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
      "bytes 16 03 01 02 00 01 00 01 fc 03 03",
    ],
    ["", ""],
  ];
  for (const [sent, line] of cases) assert.equal(firstLineOf(sent), line);
  const long = firstLineOf(`GET /${"a b/".repeat(20_000)}`);
  assert.equal(long.length, 201);
  assert(firstLineOf(new Uint8Array(60_000)).length < 100);
});

async function listed(relay: Relay): Promise<unknown[]> {
  return (await relay.devices()).filter(({ state }) => state === "unsupported")
    .map(({ sn, protocol, first_line }) => [sn, protocol, first_line]);
}

async function sendRaw(port: number, text: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(typeof text === "string" ? bytes(text) : text);
  await conn.closeWrite();
  await new Response(conn.readable).text().catch(() => "");
}

const SENT: readonly { what: string; send(port: number): Promise<unknown>; line: string }[] = [
  {
    what: "asks for a path that is none",
    send: (port) => rawRequest(port, { path: "/device/login?id=7" }),
    line: "GET /device/login?id=7",
  },
  {
    what: "speaks iclock without a serial number",
    send: (port) => rawRequest(port, { path: "/iclock/cdata?options=all" }),
    line: "GET /iclock/cdata?options=all",
  },
  {
    what: "posts what is not JSON",
    send: (port) => rawRequest(port, { method: "POST", path: "/hdata", body: "a,b,c" }),
    line: "POST /hdata",
  },
  {
    what: "does not speak HTTP",
    send: (port) => sendRaw(port, "HELLO device 7\r\n\r\n"),
    line: "HELLO device 7",
  },
  {
    what: "speaks TLS",
    send: (port) => sendRaw(port, new Uint8Array([0x16, 3, 1, 0, 2, 1, 0, 10, 10])),
    line: "bytes 16 03 01 00 02 01 00 0a 0a",
  },
  {
    what: "sends over a WebSocket what is not JSON",
    async send(port) {
      const socket = await RawSocket.open(port);
      await socket.send("LOGIN 7");
      socket.close();
    },
    line: "LOGIN 7",
  },
];

for (const { what, send, line } of SENT) {
  Deno.test(`The listener lists, with the first line it sent, what ${what}`, async () => {
    await using relay = await Relay.start();
    await send(relay.port);
    await until(async () => (await listed(relay)).length === 1, "it is listed");
    assert.deepEqual(await listed(relay), [["at-127-0-0-1", null, line]]);
    const device = await relay.device("at-127-0-0-1");
    assert.equal(device?.address, "127.0.0.1");
    await assert.rejects(
      relay.api("POST", "/devices/{sn}/approve", { params: { sn: "at-127-0-0-1" } }),
      /speaks what this agent does not understand/,
    );
  });
}

Deno.test("The listener lists the protocols it knows and does not speak with their first line as well", async () => {
  await using relay = await Relay.start();
  await sendRaw(relay.port, "<?xml version='1.0'?>\n<Request></Request>");
  assert.deepEqual(await listed(relay), [["at-127-0-0-1", "xml", "<?xml version='1.0'?>"]]);
});

Deno.test("What was not understood is kept with its first line, whoever else is understood there", async () => {
  await using relay = await Relay.start();
  await relay.iclock().handshake();
  await rawRequest(relay.port, { path: "/hello" });
  await rawRequest(relay.port, { path: "/again" });
  await relay.advance(11_000);
  assert.deepEqual(await listed(relay), [["at-127-0-0-1", null, "GET /hello"]]);
  assert.equal(
    relay.rows("SELECT first_line FROM devices WHERE sn = 'at-127-0-0-1'")[0]?.first_line,
    "GET /hello",
  );
});

Deno.test("What was not understood is forgotten when it was not seen for a day", async () => {
  await using relay = await Relay.start();
  await rawRequest(relay.port, { path: "/hello" });
  relay.clock.set(relay.clock.now() + 23 * 3_600_000);
  await relay.advance(11_000);
  assert.equal((await listed(relay)).length, 1);
  relay.clock.set(relay.clock.now() + 2 * 3_600_000);
  await relay.advance(11_000);
  assert.deepEqual(await listed(relay), []);
  assert.deepEqual(relay.rows("SELECT sn FROM devices WHERE sn LIKE 'at-%'"), []);
});
