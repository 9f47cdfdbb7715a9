/** What devices send on its way to the disk, without a network. @module */
import assert from "node:assert/strict";
import { Hub, instantOf, Warnings } from "../../../../src/core/mod.ts";
import { Device } from "../../../../src/streams/attendance/devices/device.ts";
import { Intake } from "../../../../src/streams/attendance/storage/intake.ts";
import { migrations } from "../../../../src/streams/attendance/mod.ts";
import { People } from "../../../../src/streams/attendance/storage/people.ts";
import { Punches, punchId } from "../../../../src/streams/attendance/storage/punches.ts";
import { Quarantine } from "../../../../src/streams/attendance/storage/quarantine.ts";
import type { ParsedPunch } from "../../../../src/streams/attendance/storage/parsed.ts";
import { Zone } from "../../../../src/streams/attendance/storage/time.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { directionsOf } from "../relay.ts";
import { tempStore } from "../../../support/temp.ts";

const NOW = Date.parse("2026-10-05T03:50:00.000Z");

function bench() {
  const clock = new FakeClock(NOW);
  const temp = tempStore(migrations, { clock });
  const { store } = temp;
  const hub = new Hub();
  const news: unknown[] = [];
  hub.subscribe(({ topic, data }) => {
    if (topic === "punches") news.push(data);
  });
  const warnings = new Warnings({ clock });
  const people = new People(store, { hub: new Hub(), clock });
  const punches = new Punches(store, { hub, directions: directionsOf(store), people });
  const intake = new Intake(store, {
    punches,
    people,
    quarantine: new Quarantine(store, { warnings, clock }),
    warnings,
  });
  const writes: { durable: boolean; stored: number }[] = [];
  const stored = () => Number(store.db.prepare("SELECT count(*) AS n FROM device_logs").get()?.n);
  const write = store.write;
  store.write = (work, options = {}) =>
    write.call(store, () => {
      const before = stored();
      const result = work();
      writes.push({ durable: options.durable === true, stored: stored() - before });
      return result;
    }, options) as never;
  const device = new Device("DEV1", "approved", new Zone("Asia/Kolkata"));
  return {
    store,
    punches,
    news,
    warnings,
    writes,
    stored,
    send: (given: ParsedPunch[]) =>
      intake.store({ device, protocol: "iclock", receivedMs: NOW, punches: given }),
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

function readPunches(count: number): ParsedPunch[] {
  return Array.from({ length: count }, (_, n) => ({
    personId: String(1_000 + n),
    deviceTime: "2026-10-05 09:15:30" as ParsedPunch["deviceTime"],
    at: "2026-10-05T03:45:30.000Z",
    suspect: false,
    mode: 15,
    inOut: 0,
    event: null,
    raw: `line ${n}`,
  }));
}

Deno.test("Intake says that punches are stored once every slice of them is on the disk", async () => {
  using test = bench();
  assert.equal(await test.send(readPunches(450)), true);
  assert.deepEqual(test.writes, [
    { durable: true, stored: 200 },
    { durable: true, stored: 200 },
    { durable: true, stored: 50 },
  ]);
  assert.equal(await test.send(readPunches(3)), true);
  assert.deepEqual(test.writes.at(-1), { durable: true, stored: 0 });
});

Deno.test("Intake does not say so of punches that could not be stored, and warns until it can", async () => {
  using test = bench();
  test.store.db.exec(
    `CREATE TEMP TRIGGER broken BEFORE INSERT ON device_logs WHEN new.raw = 'line 440'
    BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  );
  assert.equal(await test.send(readPunches(450)), false);
  assert.equal(test.stored(), 400);
  assert.deepEqual(test.warnings.list().map(({ code }) => code), ["attendance.storage"]);
  test.store.db.exec("DROP TRIGGER temp.broken");
  assert.equal(await test.send(readPunches(450)), true);
  assert.equal(test.stored(), 450);
  assert.deepEqual(test.warnings.list(), []);
});

Deno.test("Intake decides nothing by a punch that another sender in the same commit could not store", async () => {
  using test = bench();
  test.store.db.exec(
    `CREATE TEMP TRIGGER broken BEFORE INSERT ON device_logs WHEN new.person_id = '1001'
    BEGIN SELECT RAISE(ABORT, 'broken'); END`,
  );
  const [first] = readPunches(1) as [ParsedPunch];
  const later = { ...first, deviceTime: "2026-10-05 13:15:30", at: "2026-10-05T07:45:30.000Z" };
  const [, ...stored] = await Promise.all([
    test.store.write(() => {}),
    test.send(readPunches(2)),
    test.send([later]),
  ]);
  assert.deepEqual(stored, [false, true]);
  assert.deepEqual(
    test.store.db.prepare("SELECT punched_at, direction FROM device_logs").all().map((row) => ({
      ...row,
    })),
    [{ punched_at: later.at, direction: "in" }],
  );
});

Deno.test("Punches that are known wait for the cloud once, and are news once", async () => {
  using test = bench();
  await test.send(readPunches(3));
  await test.send(readPunches(5));
  assert.equal(test.punches.outbox.depth().rows, 5);
  assert.equal(test.news.length, 5);
});

Deno.test("Punches knows when the last one came once it is committed, and not of one that was undone", async () => {
  using test = bench();
  const { store, punches } = test;
  const device = new Device("DEV1", "approved", new Zone("Asia/Kolkata"));
  const undone = store.write(() => {
    punches.add(readPunches(1), { device, receivedMs: NOW });
    throw new Error("undone");
  });
  await assert.rejects(undone, /undone/);
  assert.equal(punches.lastReceivedAt, null);
  assert.deepEqual(test.news, []);
  await test.send(readPunches(1));
  assert.equal(punches.lastReceivedAt, instantOf(NOW));
});

Deno.test("A punch's id is the same for ever: the cloud and other versions know it by that", () => {
  assert.equal(
    punchId("DEV1", "1001", "2026-10-05 09:15:30"),
    "823022829e0ea6478b638ac102a778426b83740f5960dd1d6183a6fb6289ad4d",
  );
});
