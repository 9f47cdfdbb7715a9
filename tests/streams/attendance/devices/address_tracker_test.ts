/** Whoever says a device's serial number from another address: what is taken from there, and what is not believed. @module */
import assert from "node:assert/strict";
import { tempDir } from "../../../support/temp.ts";
import { IclockDevice } from "../../../support/fakes/devices.ts";
import { OtherAddress } from "../../../support/process/other_address.ts";
import { RawSocket } from "../../../support/fakes/raw_wire.ts";
import { until } from "../../../support/until.ts";
import { Conversation, Relay } from "../relay.ts";

const line = (person: number) => `${person}\t2026-10-05 09:15:30\t0\t15\t\t0\t0\n`;
const PUNCH = { enrollid: 7, time: "2026-10-05 09:15:30" };
const SENDLOG = { cmd: "sendlog", sn: "DEV1", count: 1, logindex: 3, record: [PUNCH] };
const MINUTE_MS = 60_000;
const HERE = "127.0.0.1";
const THERE = "127.0.0.2";
const ADDRESS = "attendance.address.DEV1";

const mark = async (device: IclockDevice) =>
  /^ATTLOGStamp=(.*)$/m.exec((await device.handshake("options=all")).body)?.[1];
const warned = (relay: Relay) =>
  relay.warnings.list().find(({ code }) => code === ADDRESS)?.message;

/** DEV1 at its own address, and whoever knows its serial number at another. */
async function two(relay: Relay) {
  const network = await OtherAddress.open(relay.port, THERE);
  const device = relay.iclock();
  await device.post("ATTLOG", line(1), { stamp: "100" });
  return {
    device,
    other: new IclockDevice({ port: network.port, sn: "DEV1" }),
    network,
    async [Symbol.asyncDispose]() {
      await network[Symbol.asyncDispose]();
    },
  };
}

Deno.test("A mark moves with stored punches only", async () => {
  await using relay = await Relay.start();
  const device = relay.iclock();
  await device.post("ATTLOG", line(1), { stamp: "100" });
  for (const body of ["", "\r\n", "this is no punch\n"]) {
    assert.equal((await device.post("ATTLOG", body, { stamp: "999" })).body, "OK: 1");
    assert.equal(await mark(device), "100", JSON.stringify(body));
  }
  await device.post("ATTLOG", `no punch\n${line(2)}`, { stamp: "200" });
  assert.equal(await mark(device), "200");
  await device.post("OPERLOG", "", { stamp: "999" });
  assert.match((await device.handshake()).body, /^OPERLOGStamp=0$/m);
});

Deno.test("Nobody moves a device's mark from another address, with or without punches", async () => {
  await using relay = await Relay.start();
  await using both = await two(relay);
  const { device, other } = both;
  assert.equal((await other.post("ATTLOG", "", { stamp: "998" })).body, "OK: 1");
  assert.equal((await other.post("ATTLOG", line(2), { stamp: "999" })).body, "OK: 1");
  assert.equal(relay.count("device_logs"), 2, "it may be the device, at a new address");
  assert.equal(await mark(device), "100");
  assert.equal(await mark(other), "0", "what it did not say itself it is not told");
  assert.match(warned(relay) ?? "", /127\.0\.0\.1.*127\.0\.0\.2/);
  const { address, other_address } = (await relay.device())!;
  assert.deepEqual({ address, other_address }, { address: HERE, other_address: THERE });
});

Deno.test("Whoever calls from another address gets no command, and closes none", async () => {
  await using relay = await Relay.start();
  await using both = await two(relay);
  const { device, other } = both;
  await device.poll();
  await relay.api("POST", "/devices/{sn}/resync", { params: { sn: "DEV1" } });
  assert.equal((await other.poll("Ver 6.66,1,2,3")).body, "OK");
  assert.equal((await other.done("ID=1&Return=0&CMD=REBOOT\n~DeviceName=Evil\n")).body, "OK");
  await other.post("options", "~DeviceName=Evil,FWVersion=Ver 6.66\n");
  await mark(other);
  assert.equal((await device.poll()).body, "C:1:REBOOT\n");
  await mark(other);
  const { model, firmware } = (await relay.device())!;
  assert.deepEqual({ model, firmware }, { model: null, firmware: null });
  assert.equal(await mark(device), "0", "the device itself is told to begin again");
});

Deno.test("Whoever calls from another address does not make a device be there", async () => {
  await using relay = await Relay.start();
  await using both = await two(relay);
  await relay.skip(119_000);
  await both.other.poll();
  await relay.advance(11_000);
  assert.equal((await relay.device())?.state, "offline");
  assert.equal((await relay.device())?.last_seen, "2026-10-05T03:50:00.000Z");
});

Deno.test("Whoever registers from another address takes no device's connection away", async () => {
  await using relay = await Relay.start();
  await using network = await OtherAddress.open(relay.port, THERE);
  const device = await relay.registered();
  const other = new Conversation(await RawSocket.open(network.port));
  assert.equal(
    (await other.ask({ cmd: "reg", sn: "DEV1", devinfo: { usednewlog: 9_000 } }))?.result,
    true,
  );
  assert.equal((await other.ask(SENDLOG))?.ret, "sendlog");
  assert(await device.silence(), "the device stays on its line");
  assert.equal((await relay.device())?.backlog, null);
  other.socket.close();
  await other.socket.closed;
  assert(await device.silence());
  assert.equal((await relay.device())?.state, "online");
});

Deno.test("A short message from another address is no repetition of the device's", async () => {
  await using relay = await Relay.start({ config: { pull_interval_min: 0 } });
  await using network = await OtherAddress.open(relay.port, THERE);
  const device = await relay.registered();
  const other = new Conversation(await RawSocket.open(network.port));
  const short = { ...SENDLOG, count: 3 };
  await device.say(short);
  assert(await device.silence());
  await other.say({ ...short, logindex: 4 });
  assert(await other.silence());
  assert.equal((await device.ask(short))?.count, 3, "the second time it is acknowledged");
});

Deno.test("A device at a new address keeps its punches, and is believed once the old one is silent", async () => {
  await using relay = await Relay.start({ config: { silent_after_min: 30 } });
  await using both = await two(relay);
  const { device, other } = both;
  await other.post("ATTLOG", line(2), { stamp: "200" });
  for (let minutes = 0; minutes < 29; minutes++) {
    await relay.skip(MINUTE_MS);
    await other.poll();
  }
  assert.equal((await relay.device())?.address, HERE);
  await relay.skip(MINUTE_MS);
  await relay.skip(MINUTE_MS);
  await other.poll();
  await until(async () => (await relay.device())?.address === THERE, "it has moved");
  assert.equal(warned(relay), undefined);
  assert.equal(await mark(other), "0", "no mark of the old address counts at the new one");
  await other.post("ATTLOG", line(3), { stamp: "300" });
  assert.equal(await mark(other), "300");
  assert.equal((await relay.device())?.state, "online");
  assert.equal(await mark(device), "0", "the old address is the other one now");
  assert.equal(relay.count("device_logs"), 3);
});

Deno.test("A device on a WebSocket is asked for its punches once its new address is believed", async () => {
  await using relay = await Relay.start({ config: { silent_after_min: 1 } });
  await using network = await OtherAddress.open(relay.port, THERE);
  const before = await relay.registered();
  before.socket.close();
  const moved = new Conversation(await RawSocket.open(network.port));
  await moved.ask({ cmd: "reg", sn: "DEV1" });
  for (let seconds = 0; seconds < 80; seconds += 10) {
    await relay.advance(10_000);
    await moved.say({ cmd: "sendgps" });
  }
  assert.equal((await moved.hear())?.cmd, "getalllog");
  assert.equal((await relay.device())?.state, "online");
});

Deno.test("A person says where a device is: its mark begins again, and the former address is the other one", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using relay = await Relay.start({ path });
    await using both = await two(relay);
    await both.other.post("ATTLOG", line(2), { stamp: "200" });
    const params = { sn: "DEV1" };
    await relay.api("POST", "/devices/{sn}/approve", { params, body: { address: THERE } });
    assert.equal(warned(relay), undefined);
    assert.equal((await relay.device())?.address, THERE);
    assert.equal(await mark(both.other), "0");
    await both.other.post("ATTLOG", line(3), { stamp: "300" });
    await both.device.post("ATTLOG", line(4), { stamp: "999" });
  }
  await using again = await Relay.start({ path });
  await using both = await OtherAddress.open(again.port, THERE);
  assert.equal(await mark(new IclockDevice({ port: both.port, sn: "DEV1" })), "300");
  assert.equal(await mark(again.iclock()), "0");
});

Deno.test("A device that was approved is the one at the address it was approved with", async () => {
  await using relay = await Relay.start();
  await using network = await OtherAddress.open(relay.port, THERE);
  const device = relay.iclock("NEW1");
  const other = new IclockDevice({ port: network.port, sn: "NEW1" });
  await device.handshake();
  await relay.api("POST", "/devices/{sn}/approve", { params: { sn: "NEW1" } });
  await other.post("ATTLOG", line(1), { stamp: "999" });
  await device.post("ATTLOG", line(2), { stamp: "100" });
  assert.deepEqual([await mark(device), await mark(other)], ["100", "0"]);
});

Deno.test("Where the configuration says the address, nothing is taken from another one", async () => {
  const devices = [{ sn: "DEV1", name: "Front door", address: THERE }];
  await using relay = await Relay.start({ config: { devices, silent_after_min: 1 } });
  await using network = await OtherAddress.open(relay.port, THERE);
  const device = new IclockDevice({ port: network.port, sn: "DEV1" });
  assert.equal((await device.post("ATTLOG", line(1), { stamp: "100" })).body, "OK: 1");
  await relay.skip(5 * MINUTE_MS);
  const stranger = relay.iclock();
  assert.equal((await stranger.post("ATTLOG", line(2), { stamp: "999" })).status, 503);
  const socket = await relay.socket();
  const answer = await socket.ask({ cmd: "reg", sn: "DEV1" });
  assert.deepEqual([answer?.result, answer?.reason], [false, "device not allowed"]);
  assert.equal(relay.count("device_logs"), 1);
  assert.equal(await mark(device), "100");
  assert.match(warned(relay) ?? "", /127\.0\.0\.2.*127\.0\.0\.1.*attendance\.devices/);
  await assert.rejects(
    relay.api("POST", "/devices/{sn}/approve", { params: { sn: "DEV1" }, body: { address: HERE } }),
    /Device is configured/,
  );
});

Deno.test("Two devices that share an address each keep their own mark, connection and name", async () => {
  const devices = ["DEV1", "DEV2", "DEV3"].map((sn) => ({ sn, name: `Door ${sn}` }));
  await using relay = await Relay.start({ config: { devices } });
  const [first, second] = ["DEV1", "DEV2"].map((sn) => relay.iclock(sn)) as [
    IclockDevice,
    IclockDevice,
  ];
  await first.post("ATTLOG", line(1), { stamp: "100" });
  await second.post("ATTLOG", line(1), { stamp: "200" });
  const third = await relay.registered("DEV3");
  assert.deepEqual([await mark(first), await mark(second)], ["100", "200"]);
  assert(await third.silence("DEV3"));
  assert.deepEqual((await relay.devices()).map(({ name, state }) => [name, state]), [
    ["Door DEV1", "online"],
    ["Door DEV2", "online"],
    ["Door DEV3", "online"],
  ]);
  assert.deepEqual(relay.warnings.list(), []);
});
