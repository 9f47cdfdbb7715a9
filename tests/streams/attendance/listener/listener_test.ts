import assert from "node:assert/strict";
import { Warnings } from "../../../../src/core/mod.ts";
import type { Store } from "../../../../src/store/mod.ts";
import {
  type AttendanceConfig,
  createAttendance,
  migrations,
} from "../../../../src/streams/attendance/mod.ts";
import { DEFAULT_LIMITS } from "../../../../src/streams/attendance/devices/limits.ts";
import { rawRequest, RawSocket } from "../../../support/fakes/raw_wire.ts";
import { streamDeps } from "../../../support/stream_deps.ts";
import { FakeClock, settled } from "../../../support/fakes/fake_clock.ts";
import { tempStore } from "../../../support/temp.ts";
import { CONFIG, Relay } from "../relay.ts";
import { until } from "../../../support/until.ts";

const PUNCH = { enrollid: 7, time: "2026-10-05 09:15:30" };
const SENDLOG = { cmd: "sendlog", sn: "DEV1", count: 1, logindex: 3, record: [PUNCH] };

/** Sends bytes and returns all that comes back until the other side hangs up. */
async function send(port: number, text: string): Promise<string> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await conn.write(new TextEncoder().encode(text));
    await conn.closeWrite();
    return await new Response(conn.readable).text();
  } catch {
    return "";
  }
}

const post = (relay: Relay, body: unknown, path = "/pub/api") =>
  rawRequest(relay.port, {
    method: "POST",
    path,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

Deno.test("The listener takes AiFace messages by HTTP as well, on any path", async () => {
  await using relay = await Relay.start();
  const reg = await post(relay, { cmd: "reg", sn: "DEV1" }, "/");
  assert.deepEqual(JSON.parse(reg.body), {
    ret: "reg",
    result: true,
    cloudtime: "2026-10-05 09:20:00",
    nosenduser: true,
  });
  assert.equal(reg.headers.get("Content-Type"), "application/json");
  const ack = await post(relay, SENDLOG);
  assert.deepEqual(JSON.parse(ack.body), {
    ret: "sendlog",
    result: true,
    count: 1,
    logindex: 3,
    cloudtime: "2026-10-05 09:20:00",
  });
  assert.deepEqual(JSON.parse((await post(relay, { cmd: "checklive", sn: "DEV1" })).body), {
    ret: "checklive",
    result: true,
  });
  assert.equal(relay.count("device_logs"), 1);
  assert.equal((await relay.device())?.state, "online");
});

Deno.test("The listener acknowledges nothing over HTTP that is not stored", async () => {
  await using relay = await Relay.start();
  relay.break();
  assert.equal((await post(relay, SENDLOG)).status, 503);
  relay.mend();
  assert.equal((await post(relay, { ...SENDLOG, sn: "NEW1" })).status, 403);
  assert.equal((await post(relay, { cmd: "sendlog", record: [PUNCH] })).status, 403);
  assert.equal((await post(relay, '{"cmd":"sendlog","sn":"DEV1",,}')).status, 400);
  assert.equal((await post(relay, '{"cmd":"sendlog","sn":"DEV1"')).status, 400);
  assert.equal(relay.count("device_logs"), 0);
});

Deno.test("The listener takes WebSockets on any path", async () => {
  await using relay = await Relay.start();
  for (const path of ["/", "/pub/chat", "/a/b?c=d"]) {
    const socket = await RawSocket.open(relay.port, { path });
    await socket.send(JSON.stringify({ cmd: "reg", sn: "DEV1" }));
    assert(await socket.next());
    socket.close();
  }
});

Deno.test("The listener lists devices of protocols that it does not speak", async () => {
  await using relay = await Relay.start();
  const headers = { request_code: "realtime_glog", dev_id: "FK01", trans_id: "1", blk_no: "0" };
  const reply = await rawRequest(relay.port, { method: "POST", path: "/", headers, body: "x" });
  assert.equal(reply.status, 501);
  const socket = await RawSocket.open(relay.port);
  await socket.send(
    "<Request><Operation>Register</Operation><DeviceSerialNo>XM01</DeviceSerialNo></Request>",
  );
  await socket.closed;
  await send(relay.port, "<?xml version='1.0'?><Request></Request>");
  const found = (await relay.devices()).filter(({ state }) => state === "unsupported");
  assert.deepEqual(found.map(({ sn, protocol }) => [sn, protocol]).sort(), [
    ["FK01", "fkweb"],
    ["XM01", "xml"],
    ["at-127-0-0-1", "xml"],
  ]);
});

Deno.test("The listener hangs up on what is no HTTP, and answers the next", async () => {
  await using relay = await Relay.start();
  assert.match(await send(relay.port, "\x16\x03\x01\x02\0\x01\0\r\n\r\n"), /400/);
  assert.match(await send(relay.port, "GET / HTTP/1.1\r\nno colon\r\n\r\n"), /400/);
  assert.match(
    await send(relay.port, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
    /400/,
  );
  assert.match(
    await send(relay.port, `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`),
    /^(HTTP\/1.1 400|$)/,
  );
  assert.equal((await post(relay, SENDLOG)).status, 200);
});

Deno.test("The listener answers requests one after the other on a connection", async () => {
  await using relay = await Relay.start();
  const ping = "GET /iclock/ping?SN=DEV1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const last = ping.replace("HTTP/1.1", "HTTP/1.0");
  const said = await send(relay.port, ping + ping.replaceAll("\r\n", "\n") + last);
  assert.equal(said.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

Deno.test("The listener takes a query whose blanks are not encoded", async () => {
  await using relay = await Relay.start();
  const path = "/iclock/getrequest?SN=DEV1&INFO=Ver 8.0.4.6-20200101,12,0,40,192.168.1.201, 10";
  assert.equal((await rawRequest(relay.port, { path })).body, "OK");
  assert.equal((await relay.device())?.firmware, "Ver 8.0.4.6-20200101");
});

Deno.test("The listener takes a whole address, as devices behind a proxy say it", async () => {
  await using relay = await Relay.start();
  const path = "http://192.168.1.20:5001/iclock/cdata?SN=DEV1&options=all";
  assert.match((await rawRequest(relay.port, { path })).body, /^GET OPTION FROM: DEV1\n/);
});

Deno.test("The listener says 100 to a device that asks before it sends its body", async () => {
  await using relay = await Relay.start();
  const body = "1\t2026-10-05 09:15:30\n";
  const said = await send(
    relay.port,
    "POST /iclock/cdata?SN=DEV1&table=ATTLOG HTTP/1.1\r\nExpect: 100-continue\r\n" +
      `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(said, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[^]*OK: 1$/);
});

Deno.test("The listener bounds how many connections an address may have", async () => {
  const strangers = { ...DEFAULT_LIMITS.strangers, connectionsPerAddress: 2 };
  await using relay = await Relay.start({ deps: { limits: { strangers } } });
  const device = await relay.registered();
  const first = await relay.socket();
  const second = await relay.socket();
  await relay.socket();
  await first.socket.closed;
  for (const open of [device, second]) assert(await open.ask({ cmd: "reg", sn: "DEV1" }));
});

Deno.test("The listener makes room for a newcomer by hanging up on who is no device", async () => {
  await using relay = await Relay.start({ deps: { limits: { connections: 3 } } });
  const known = await relay.registered();
  const first = await relay.socket();
  const second = await relay.socket();
  const newcomer = await relay.socket();
  assert.equal((await newcomer.ask({ cmd: "reg", sn: "DEV1" }))?.result, true);
  await first.socket.closed;
  await known.socket.closed;
  assert.equal(await second.ask({ cmd: "reg", sn: "../etc" }).then((a) => a?.result), false);
});

Deno.test("The listener turns newcomers away when all are devices", async () => {
  const devices = ["DEV1", "DEV2"].map((sn) => ({ sn, name: sn }));
  await using relay = await Relay.start({
    config: { devices },
    deps: { limits: { connections: 2 } },
  });
  for (const { sn } of devices) {
    assert.equal((await (await relay.socket()).ask({ cmd: "reg", sn }))?.result, true);
  }
  await assert.rejects(RawSocket.open(relay.port));
});

Deno.test("The listener hangs up on a message without end", async () => {
  const limits = { strangerBytes: 100_000, maxMessageBytes: 200_000 };
  await using relay = await Relay.start({ deps: { limits } });
  const stranger = await relay.socket();
  const device = await relay.registered();
  const endless = `{"cmd":"sendlog","sn":"DEV1","record":[${
    `${JSON.stringify(PUNCH)},`.repeat(10_000)
  }`;
  for (const { socket } of [stranger, device]) {
    await socket.send(endless).catch(() => {});
    await socket.closed;
  }
  const body = "1\t2026-10-05 09:15:30\n".repeat(10_000);
  for (const sn of ["DEV1", "NEW1"]) {
    const path = `/iclock/cdata?SN=${sn}&table=ATTLOG`;
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const headers = { "Transfer-Encoding": "chunked" };
    for (const options of [{ body }, { body: chunked, headers }]) {
      const reply = await rawRequest(relay.port, { method: "POST", path, ...options })
        .catch(() => undefined);
      assert(reply === undefined || reply.status === 400);
    }
  }
  assert.equal((await (await relay.registered()).ask(SENDLOG))?.ret, "sendlog");
});

for (
  const [name, headers] of [
    ["two lengths", "Content-Length: 0\r\nContent-Length: 24\r\n"],
    ["a length and chunks", "Content-Length: 24\r\nTransfer-Encoding: chunked\r\n"],
    ["a blank behind the name", "Transfer-Encoding : chunked\r\n"],
    ["a folded line", "X: a\r\n Content-Length: 24\r\n"],
    ["two encodings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"],
  ] as const
) {
  Deno.test(`The listener refuses a body whose end is not clear: ${name}`, async () => {
    await using relay = await Relay.start();
    const hidden =
      "POST /iclock/cdata?SN=DEV1&table=ATTLOG HTTP/1.1\r\nContent-Length: 22\r\n\r\n" +
      "1\t2026-10-05 09:15:30\n";
    const said = await send(
      relay.port,
      `POST /iclock/cdata?SN=DEV1&table=ATTLOG HTTP/1.1\r\n${headers}\r\n0\r\n\r\n${hidden}`,
    );
    assert.match(said, /^(HTTP\/1\.1 400 |$)/);
    assert.equal(relay.count("device_logs"), 0);
  });
}

Deno.test("The listener gives up who holds too much of an unfinished message, and only that one", async () => {
  const strangers = { ...DEFAULT_LIMITS.strangers, heldBytes: 200_000 };
  await using relay = await Relay.start({ deps: { limits: { strangers } } });
  const greedy = await relay.socket();
  const sound = await relay.registered();
  const records = `${JSON.stringify(PUNCH)},`.repeat(10_000);
  await greedy.socket.send(`{"cmd":"sendlog","record":[${records}`).catch(() => {});
  await greedy.socket.closed;
  assert.equal((await sound.ask(SENDLOG))?.ret, "sendlog");
  const again = await relay.registered();
  assert.equal((await again.ask(SENDLOG))?.ret, "sendlog", "what was held is free again");
});

Deno.test("The listener does not talk with web pages", async () => {
  await using relay = await Relay.start();
  const browser = { "User-Agent": "Mozilla/5.0 (X11)", Origin: "https://evil.example" };
  const image = { "User-Agent": "Mozilla/5.0 (X11)", "Accept-Language": "en" };
  for (
    const headers of [browser, image, {
      ...browser,
      Upgrade: "websocket",
      "Sec-WebSocket-Key": "eA==",
    }]
  ) {
    const body = JSON.stringify(SENDLOG);
    const reply = await rawRequest(relay.port, { method: "POST", path: "/", body, headers });
    assert.equal(reply.status, 403);
  }
  assert.equal(relay.count("device_logs"), 0);
});

Deno.test("The listener hangs up on a WebSocket that does not say who it is", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  const nobody = await relay.socket();
  const known = await relay.registered();
  for (let round = 0; round < 5; round++) {
    await relay.skip(14_000);
    assert((await known.ask({ cmd: "checklive" }))?.result);
    await nobody.say({ cmd: "checklive" }).catch(() => {});
  }
  await nobody.socket.closed;
  assert((await known.ask({ cmd: "checklive" }))?.result);
});

Deno.test("The listener closes connections on which nothing comes", async () => {
  await using relay = await Relay.start();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: relay.port });
  await conn.write(new TextEncoder().encode("GET / HT"));
  await until(() => relay.stream.status!() !== undefined, "it is let in");
  await relay.skip(21_000);
  await relay.skip(2_000);
  assert.equal(await conn.read(new Uint8Array(1)).catch(() => null), null);
  conn.close();
});

/** A stream of its own, not started. */
function stream(
  store: Store,
  { clock, config }: { clock: FakeClock; config: Partial<AttendanceConfig["attendance"]> },
) {
  const warnings = new Warnings({ clock });
  const listening = Promise.withResolvers<void>();
  const made = createAttendance({
    ...streamDeps(store, { warnings, clock }),
    onListen: () => listening.resolve(),
  }, { retention_unsynced_days: 365, attendance: { ...CONFIG, ...config } });
  return { made, warnings, listening: listening.promise };
}

Deno.test("The listener says when another program has its port, and listens when that lets go", async () => {
  using temp = tempStore(migrations);
  const clock = new FakeClock();
  const holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { made, warnings, listening } = stream(temp.store, {
    clock,
    config: { port: holder.addr.port },
  });
  const stop = new AbortController();
  const running = made.run!(stop.signal);
  await until(() => warnings.list().length === 1, "it warns");
  assert.match(warnings.list()[0]!.message, /another program uses the port/);
  holder.close();
  await clock.sleep(16_000);
  await listening;
  assert.deepEqual(warnings.list(), []);
  stop.abort();
  await running;
});

Deno.test("A stream that is not enabled does not listen, and says so", async () => {
  using temp = tempStore(migrations);
  const { made } = stream(temp.store, { clock: new FakeClock(), config: { enabled: false } });
  const stop = new AbortController();
  const running = made.run!(stop.signal);
  await settled();
  stop.abort();
  await running;
  assert.deepEqual(made.status!(), {
    attendance: {
      enabled: false,
      listening: null,
      addresses: [],
      devices: { online: 0, offline: 1, pending: 0, refused: 0, unsupported: 0 },
      last_punch_at: null,
    },
  });
});

Deno.test("The status says where it is listened, who is there and when the last punch came", async () => {
  await using relay = await Relay.start();
  await (await relay.registered()).ask(SENDLOG);
  assert.deepEqual(relay.stream.status!(), {
    attendance: {
      enabled: true,
      listening: `127.0.0.1:${relay.port}`,
      addresses: [`127.0.0.1:${relay.port}`],
      devices: { online: 1, offline: 0, pending: 0, refused: 0, unsupported: 0 },
      last_punch_at: "2026-10-05T03:50:00.000Z",
    },
  });
});
