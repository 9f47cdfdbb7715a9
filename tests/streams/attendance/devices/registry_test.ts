import assert from "node:assert/strict";
import { countStates, deviceReports } from "../../../../src/streams/attendance/devices/reports.ts";
import { Hub, Warnings } from "../../../../src/core/mod.ts";
import {
  Devices,
  type DevicesOptions,
} from "../../../../src/streams/attendance/devices/registry.ts";
import { migrations } from "../../../../src/streams/attendance/mod.ts";
import type { Store } from "../../../../src/store/mod.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { tempDir, tempStore } from "../../../support/temp.ts";
import { Relay } from "../relay.ts";
import { until } from "../../../support/until.ts";

const HOUR_MS = 3_600_000;

function registry(store: Store, options: Partial<DevicesOptions> = {}) {
  const clock = new FakeClock("2026-10-05T03:50:00.000Z");
  const warnings = new Warnings({ clock });
  const devices = new Devices(store, {
    clock,
    hub: new Hub(),
    warnings,
    timeZone: "Asia/Kolkata",
    unknown: "pending",
    devices: [],
    silentMs: HOUR_MS,
    ...options,
  });
  return { devices, clock, warnings };
}
const from = (address: string) => ({ address, protocol: "aiface" }) as const;

Deno.test("Devices keeps what it knows over a restart, and nobody is online then", async () => {
  using temp = tempStore(migrations);
  const { devices } = registry(temp.store);
  const device = devices.identify("A1", from("10.0.0.5"))!;
  device.firmware = "f1";
  device.skewMs = -1_500;
  await devices.approve(device, { name: "Door", timeZone: "Europe/Berlin" });
  devices.seen(device);
  await devices.save();

  const { devices: again } = registry(temp.store);
  const { first_seen, last_seen, ...report } = again.find("A1")!.report();
  assert.deepEqual([first_seen, last_seen], Array(2).fill("2026-10-05T03:50:00.000Z"));
  assert.deepEqual(report, {
    sn: "A1",
    name: "Door",
    state: "offline",
    protocol: "aiface",
    role: "both",
    address: "10.0.0.5",
    other_address: null,
    model: null,
    firmware: "f1",
    first_line: null,
    mac: null,
    backlog: null,
    silent: false,
    skew_ms: -1_500,
    time_zone: "Europe/Berlin",
  });
});

Deno.test("Devices lists so many strangers and no more, and forgets those that are gone", async () => {
  using temp = tempStore(migrations);
  const { devices, clock, warnings } = registry(temp.store);
  for (let i = 0; i < 100; i++) devices.identify(`S${i}`, from("10.0.0.5"));
  assert.equal(countStates(devices.all()).pending, 64);
  assert(warnings.list().some(({ code }) => code === "attendance.strangers"));
  await devices.save();
  await clock.sleep(2 * HOUR_MS);
  assert(devices.identify("NEW", from("10.0.0.6")));
  assert.equal(devices.find("S0"), undefined);
  assert.equal(countStates(devices.all()).pending, 64);
});

Deno.test("Devices lists a stranger also where another address has filled the list", async () => {
  using temp = tempStore(migrations);
  const { devices } = registry(temp.store);
  for (let i = 0; i < 100; i++) devices.identify(`S${i}`, from("10.0.0.66"));
  for (const sn of ["NEW1", "NEW2"]) assert(devices.identify(sn, from("10.0.0.6")), sn);
  for (let i = 100; i < 200; i++) devices.identify(`S${i}`, from("10.0.0.66"));
  for (const sn of ["NEW1", "NEW2"]) assert(devices.find(sn), sn);
  assert.equal(countStates(devices.all()).pending, 64);
  await devices.save();
});

Deno.test("Devices takes strangers in or keeps them out where the configuration says so", () => {
  using temp = tempStore(migrations);
  const open = registry(temp.store, { unknown: "approve" });
  assert.equal(open.devices.identify("A1", from("10.0.0.5"))?.approval, "approved");
  const closed = registry(temp.store, { unknown: "refuse" });
  assert.equal(closed.devices.identify("A2", from("10.0.0.5")), undefined);
  assert.deepEqual(deviceReports(closed.devices.all()), []);
});

Deno.test("Devices approves what is configured, unless a person has refused it", async () => {
  using temp = tempStore(migrations);
  const first = registry(temp.store);
  for (const sn of ["A1", "A2"]) first.devices.identify(sn, from("10.0.0.5"));
  await first.devices.refuse(first.devices.find("A2")!);
  await first.devices.save();

  const settings = ["A1", "A2", "A3"].map((sn) => ({ sn, name: `Door ${sn}` }));
  const { devices } = registry(temp.store, { devices: settings });
  assert.deepEqual(deviceReports(devices.all()).map(({ sn, state, name }) => [sn, state, name]), [
    ["A1", "offline", "Door A1"],
    ["A3", "offline", "Door A3"],
    ["A2", "refused", "Door A2"],
  ]);
});

Deno.test("Devices warns of two addresses that use one serial number, until one of them is silent", async () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door" }];
  const { devices, clock, warnings } = registry(temp.store, { devices: settings });
  devices.identify("A1", from("10.0.0.5"));
  assert.deepEqual(warnings.list(), []);
  for (const address of ["10.0.0.6", "10.0.0.5", "10.0.0.7"]) devices.identify("A1", from(address));
  assert.match(warnings.list()[0]?.message ?? "", /Door \(A1\).*10\.0\.0\.5.*10\.0\.0\.6/);
  assert.equal(devices.find("A1")?.report().other_address, "10.0.0.6", "the first of them");
  await clock.sleep(11 * 60_000);
  devices.sweep();
  assert.deepEqual(warnings.list(), []);
  assert.equal(devices.find("A1")?.report().other_address, null);
});

Deno.test("Devices does not count the time in which this machine slept as silence of a device", async () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door" }];
  const { devices, clock } = registry(temp.store, { devices: settings });
  devices.identify("A1", from("10.0.0.5"));
  await clock.sleep(8 * HOUR_MS);
  devices.sweep();
  devices.identify("A1", from("10.0.0.6"));
  await devices.save();
  assert.equal(devices.find("A1")?.address, "10.0.0.5");
});

Deno.test("Devices waits for a person where silence is not watched", async () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door" }];
  const { devices, clock } = registry(temp.store, { devices: settings, silentMs: 0 });
  devices.identify("A1", from("10.0.0.5"));
  for (let minutes = 0; minutes < 300; minutes++) {
    await clock.sleep(60_000);
    devices.sweep();
    devices.identify("A1", from("10.0.0.6"));
  }
  await devices.save();
  const device = devices.find("A1")!;
  assert.equal(device.address, "10.0.0.5");
  await devices.approve(device, { address: "10.0.0.6" });
  assert.equal(devices.trust(device, "10.0.0.6"), "full");
});

Deno.test("Devices warns of a device that speaks otherwise than configured", () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door", protocol: "iclock" } as const];
  const { devices, warnings } = registry(temp.store, { devices: settings });
  devices.identify("A1", from("10.0.0.5"));
  assert.equal(warnings.list()[0]?.code, "attendance.protocol.A1");
});

Deno.test("Devices lets nobody put a device out by speaking nonsense in its name", () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door" }];
  const { devices } = registry(temp.store, { devices: settings });
  devices.identify("A1", from("10.0.0.5"));
  devices.noteUnsupported("A1", { address: "10.0.0.66", protocol: "xml", firstLine: "<Request>" });
  assert.equal(devices.find("A1")?.approval, "approved");
  assert.equal(devices.find("A1")?.address, "10.0.0.5");
});

Deno.test("Devices takes a device in again whose protocol somebody has mended", () => {
  using temp = tempStore(migrations);
  const settings = [{ sn: "A1", name: "Door" }];
  const { devices } = registry(temp.store, { devices: settings });
  for (const sn of ["A1", "B2"]) {
    devices.noteUnsupported(sn, { address: "10.0.0.5", protocol: "fkweb", firstLine: "POST /" });
    assert.equal(devices.find(sn)?.approval, "unsupported");
    devices.identify(sn, from("10.0.0.5"));
  }
  assert.equal(devices.find("A1")?.approval, "approved");
  assert.equal(devices.find("B2")?.approval, "pending");
});

Deno.test("Devices has an end also where strangers are let in", () => {
  using temp = tempStore(migrations);
  const { devices, warnings } = registry(temp.store, { unknown: "approve" });
  for (let n = 0; n < 2_000; n++) devices.identify(`S${n}`, from("10.0.0.5"));
  assert.equal(countStates(devices.all()).offline, 1_000);
  assert.equal(warnings.list()[0]?.code, "attendance.strangers");
});

Deno.test("Devices that wait for approval are named again after a restart", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    await using first = await Relay.start({ path });
    for (const sn of ["NEW1", "NEW2"]) await first.iclock(sn).handshake();
    assert.match(
      first.warnings.list()[0]?.message ?? "",
      /^2 devices are waiting .*: NEW1, NEW2\. Approve/,
    );
  }
  await using second = await Relay.start({ path });
  assert.match(
    second.warnings.list()[0]?.message ?? "",
    /^2 devices are waiting .*: NEW1, NEW2\. Approve/,
  );
  await second.api("POST", "/devices/{sn}/refuse", { params: { sn: "NEW1" } });
  assert.match(second.warnings.list()[0]?.message ?? "", /`clockblock devices approve NEW2`$/);
});

Deno.test("Devices saves what it could not save before", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  const { devices } = registry(store);
  devices.identify("A1", from("10.0.0.5"));
  store.db.exec(`CREATE TEMP TRIGGER broken BEFORE INSERT ON devices
    BEGIN SELECT RAISE(ABORT, 'broken'); END`);
  await assert.rejects(devices.save(), /broken/);
  store.db.exec("DROP TRIGGER temp.broken");
  await devices.save();
  assert.equal(registry(store).devices.find("A1")?.address, "10.0.0.5");
});

Deno.test("Devices decides nothing that it could not store", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  const { devices } = registry(store);
  const device = devices.identify("A1", from("10.0.0.5"))!;
  store.db.exec(`CREATE TEMP TRIGGER broken BEFORE INSERT ON devices
    BEGIN SELECT RAISE(ABORT, 'broken'); END`);
  await assert.rejects(devices.approve(device, { name: "Door" }), /broken/);
  assert.deepEqual([device.approval, device.name], ["pending", null]);
});

Deno.test("Devices keeps a device online whose older connection ends, and no longer without one", async () => {
  using temp = tempStore(migrations);
  const { devices, clock } = registry(temp.store, { unknown: "approve" });
  const device = devices.identify("A1", from("10.0.0.5"))!;
  const link = () => ({ close: () => {}, resync: () => {} });
  const [older, newer] = [link(), link()];
  devices.connected(device, older);
  devices.connected(device, newer);
  devices.disconnected(device, older);
  assert.equal(device.state, "online");
  devices.disconnected(device, newer);
  assert.equal(device.state, "offline");
  devices.seen(device);
  await clock.sleep(121_000);
  devices.sweep();
  assert.equal(device.state, "offline");
});

Deno.test("A device that is given another name stays on its line", async () => {
  await using relay = await Relay.start({ config: { unknown: "approve" } });
  const device = await relay.registered("NEW1");
  await relay.api("POST", "/devices/{sn}/approve", {
    params: { sn: "NEW1" },
    body: { name: "Gate" },
  });
  assert(await device.silence("NEW1"));
  const { name, state } = (await relay.device("NEW1"))!;
  assert.deepEqual({ name, state }, { name: "Gate", state: "online" });
});

Deno.test("A device that is approved is made to come again, and its punches are taken", async () => {
  await using relay = await Relay.start();
  const device = await relay.socket();
  assert.equal((await device.ask({ cmd: "reg", sn: "NEW1" }))?.result, false);
  assert.match(relay.warnings.list()[0]?.message ?? "", /NEW1/);

  const params = { sn: "NEW1" };
  const body = { name: "Gate", time_zone: "UTC" };
  await relay.api("POST", "/devices/{sn}/approve", { params, body });
  await device.socket.closed;
  assert.deepEqual(relay.warnings.list(), []);
  const again = await relay.socket();
  const answer = await again.ask({ cmd: "reg", sn: "NEW1" });
  assert.equal(answer?.cloudtime, "2026-10-05 03:50:00");
  assert.equal((await relay.device("NEW1"))?.name, "Gate");

  await relay.api("POST", "/devices/{sn}/refuse", { params });
  await again.socket.closed;
  await until(async () => (await relay.device("NEW1"))?.state === "refused", "refused");
  const third = await relay.socket();
  assert.equal((await third.ask({ cmd: "reg", sn: "NEW1" }))?.result, false);
});
