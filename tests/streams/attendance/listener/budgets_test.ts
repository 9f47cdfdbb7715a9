/** What strangers take of this machine is not taken from the devices. Real sockets; the clock of deadlines stands. @module */
import assert from "node:assert/strict";
import { AifaceDevice, IclockDevice } from "../../../support/fakes/devices.ts";
import { OtherAddress } from "../../../support/process/other_address.ts";
import { rawRequest, RawSocket } from "../../../support/fakes/raw_wire.ts";
import { until } from "../../../support/until.ts";
import { Conversation, Relay, type RelayOptions } from "../relay.ts";

const MIB = 1024 * 1024;
const PUNCH = { enrollid: 7, time: "2026-10-05 09:15:30" };
const RECORD = `${JSON.stringify(PUNCH)},`;
/** How long a device may take for its backlog, however many strangers there are. */
const SECONDS = 20;

/** The beginning of a message that nobody ends. */
const unfinished = (bytes: number, sn = "EVIL") =>
  `{"cmd":"sendlog","sn":"${sn}","record":[${RECORD.repeat(bytes / RECORD.length)}`;

/** A stranger's messages, sent as far as they are taken; they end when the stream does. */
class Crowd implements AsyncDisposable {
  readonly sockets: RawSocket[] = [];
  readonly #sending: Promise<void>[] = [];

  async add(port: number, { count, bytes, sn }: { count: number; bytes: number; sn?: string }) {
    const text = unfinished(bytes, sn);
    for (let n = 0; n < count; n++) {
      const socket = await RawSocket.open(port);
      this.sockets.push(socket);
      this.#sending.push(this.#begin(socket, new TextEncoder().encode(text)).catch(() => {}));
    }
  }

  /** A ping after it is answered once all before it has been read. */
  async #begin(socket: RawSocket, message: Uint8Array): Promise<void> {
    await socket.frame(message, { opcode: 1, final: false });
    await socket.frame(new Uint8Array(), { opcode: 9 });
    await socket.next();
  }

  /** Resolves when all that is taken of them has been taken. */
  async sent(): Promise<void> {
    await Promise.all(this.#sending);
  }

  async [Symbol.asyncDispose]() {
    for (const socket of this.sockets) socket.close();
    await this.sent();
  }
}

function backlog(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    enrollid: 1 + i % 50,
    time: new Date(Date.parse("2026-09-01T00:00:00Z") + i * 60_000).toISOString()
      .slice(0, 19).replace("T", " "),
  }));
}

for (
  const [where, address, sn] of [
    ["another address", "127.0.0.2", "EVIL"],
    ["the device's own address", "127.0.0.1", "EVIL"],
    ["another address, in the device's name", "127.0.0.2", "DEV1"],
  ] as const
) {
  Deno.test(`Forty unfinished messages from ${where} do not keep a device's backlog out`, async () => {
    const devices = ["DEV1", "DEV2"].map((sn) => ({ sn, name: sn }));
    await using relay = await Relay.start({ config: { devices, pull_interval_min: 0 } });
    await using network = await OtherAddress.open(relay.port, address);
    const iclock = new IclockDevice({ port: relay.port, sn: "DEV2" });
    await (await relay.registered()).ask({ cmd: "checklive" });
    await using crowd = new Crowd();
    // Large ones, and small ones for the room between them.
    await crowd.add(network.port, { count: 26, bytes: 3.65 * MIB, sn });
    await crowd.sent();
    await crowd.add(network.port, { count: 14, bytes: 0.1 * MIB, sn });
    await crowd.sent();

    const began = performance.now();
    const aiface = new AifaceDevice({ port: relay.port, sn: "DEV1", batch: 10_000 });
    aiface.punch(...backlog(20_000));
    const stop = new AbortController();
    const running = aiface.run(stop.signal);
    const lines = backlog(5_000).map(({ enrollid, time }) => `${enrollid}\t${time}\t0\t15`);
    assert.equal((await iclock.post("ATTLOG", lines.join("\n"))).body, "OK: 5000");
    await until(() => aiface.waiting === 0, "the backlog is acknowledged", {
      withinMs: SECONDS * 1_000,
    });
    stop.abort();
    await running;
    const seconds = (performance.now() - began) / 1_000;
    assert(seconds < SECONDS, `${seconds} s`);
    assert.equal(relay.count("device_logs"), 25_000);
  });
}

const waiting = (options: RelayOptions = {}) =>
  Relay.start({ ...options, config: { pull_interval_min: 0, ...options.config } });

Deno.test("A stranger's unfinished message has a short deadline, a device's goes on", async () => {
  await using relay = await waiting();
  const half = JSON.stringify({ cmd: "sendlog", sn: "DEV1", count: 1, record: [PUNCH] });
  const socket = await RawSocket.open(relay.port);
  const pending = await relay.registered("NEW1");
  const device = await relay.registered();
  const encode = (text: string) => new TextEncoder().encode(text);
  await socket.frame(encode(unfinished(1_000)), { opcode: 1, final: false });
  await pending.socket.frame(encode(unfinished(1_000)), { opcode: 1, final: false });
  await device.socket.frame(encode(half.slice(0, 39)), { opcode: 1, final: false });
  for (let second = 0; second < 20; second++) {
    // Drop by drop, so that it is never quiet.
    for (const drop of [socket, pending.socket, device.socket]) {
      await drop.frame(encode(" "), { opcode: 0, final: false }).catch(() => {});
    }
    await relay.advance(1_000);
  }
  await socket.closed;
  await pending.socket.closed;
  await device.socket.frame(encode(half.slice(39)), { opcode: 0, final: true });
  assert.equal((await device.hear())?.ret, "sendlog");
});

Deno.test("A stranger's object that is split over messages has the same deadline", async () => {
  await using relay = await waiting();
  const stranger = await relay.registered("NEW1");
  await stranger.socket.send('{"cmd":"sendlog","record":[');
  for (let round = 0; round < 5; round++) {
    await relay.advance(4_000);
    await stranger.socket.send(RECORD).catch(() => {});
  }
  await stranger.socket.closed;
});

Deno.test("A stranger's request has a short deadline, however slowly it drips", async () => {
  await using relay = await waiting();
  const slow = async (sn: string) => {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: relay.port });
    const body = "1\t2026-10-05 09:15:30\n";
    const head = `POST /iclock/cdata?SN=${sn}&table=ATTLOG HTTP/1.1\r\nConnection: close\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`;
    const text = head + body;
    return { conn, text, at: head.length };
  };
  const both = [await slow("EVIL"), await slow("DEV1")];
  for (const { conn, text, at } of both) {
    await conn.write(new TextEncoder().encode(text.slice(0, at)));
  }
  for (let second = 0; second < 20; second++) {
    for (const request of both) {
      const byte = request.text.slice(request.at, request.at + 1);
      request.at++;
      await request.conn.write(new TextEncoder().encode(byte)).catch(() => {});
    }
    await relay.advance(1_000);
  }
  const answers = await Promise.all(both.map(async ({ conn, text, at }) => {
    await conn.write(new TextEncoder().encode(text.slice(at))).catch(() => {});
    return await new Response(conn.readable).text().catch(() => "");
  }));
  assert.equal(answers[0], "");
  assert.match(answers[1]!, /OK: 1$/);
});

Deno.test("A stranger who takes all the connections of an address keeps no device out", async () => {
  await using relay = await waiting();
  const device = await relay.registered();
  const crowd = [];
  for (let n = 0; n < 100; n++) crowd.push(await relay.socket());
  const again = relay.iclock();
  assert.equal((await again.post("ATTLOG", "1\t2026-10-05 09:15:30\n")).body, "OK: 1");
  assert(await device.silence(), "nobody hangs up on a device");
  await crowd[0]!.socket.closed;
  const last = new Conversation(crowd.at(-1)!.socket);
  assert.equal((await last.ask({ cmd: "reg", sn: "NEW1" }))?.result, false, "the newest stay");
});

Deno.test("A stranger who sends too fast waits alone", async () => {
  await using relay = await waiting({ deps: { limits: { messagesPerSecond: 5 } } });
  const device = await relay.registered();
  const stranger = await relay.socket();
  for (let n = 0; n < 30; n++) await stranger.say({ cmd: "checklive", sn: "EVIL" });
  assert(await device.silence(), "at the same address, and not made to wait");
  await relay.advance(10_000);
});

Deno.test("What strangers hold of memory is bounded for each address, and for all", async () => {
  const strangers = { connectionsPerAddress: 64, heldBytes: 250_000, heldBytesPerAddress: 100_000 };
  await using relay = await waiting({ deps: { limits: { strangers } } });
  await using crowd = new Crowd();
  await crowd.add(relay.port, { count: 1, bytes: 90_000 });
  await crowd.add(relay.port, { count: 1, bytes: 90_000 });
  await crowd.sockets[1]!.closed;
  await using second = await OtherAddress.open(relay.port, "127.0.0.2");
  await using third = await OtherAddress.open(relay.port, "127.0.0.3");
  await crowd.add(second.port, { count: 1, bytes: 90_000 });
  await crowd.sent();
  await crowd.add(third.port, { count: 1, bytes: 90_000 });
  await crowd.sockets[3]!.closed;
  const body = JSON.stringify({ cmd: "sendlog", sn: "DEV1", count: 1, record: [PUNCH] });
  const reply = await rawRequest(relay.port, { method: "POST", path: "/pub/api", body });
  assert.equal(reply.status, 200);
});
