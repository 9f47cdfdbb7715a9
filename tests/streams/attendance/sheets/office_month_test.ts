/**
 * A month of an office through the devices' own protocols, and its sheets beside those of a doorkeeper who looks at
 * the clock each minute.
 * @module
 */
import assert from "node:assert/strict";
import type {
  AttendanceDay,
  AttendanceMonth,
  Presence,
} from "../../../../src/contract/attendance.ts";
import { instantOf } from "../../../../src/core/mod.ts";
import { Zone } from "../../../../src/streams/attendance/storage/time.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";
import { BERLIN, type Door, DOORS, FROM, idAt, liveAMonth, type Tap, TO } from "./office.ts";
import { watchTheDoors } from "./office_oracle.ts";

const DAY_MS = 86_400_000;
const STARTS = Date.parse("2026-09-30T20:00:00Z");
/** Thursday before noon: most are there, the night shift is not. */
const THEN = Date.parse("2026-10-15T08:31:00Z");
const ALL = { limit: 1_000_000, format: "json", bom: false };

Deno.test("Sheets of a month of an office are those of a doorkeeper who stood there", async () => {
  const office = liveAMonth(20_261_001);
  assert.ok(office.taps.length > 20_000, `${office.taps.length} punches`);
  assert.ok(office.faultless.size > 40, `${office.faultless.size} made no mistake`);
  const devices = Object.values<Door>(DOORS).map(({ sn, role, timeZone }) => ({
    sn,
    name: `The ${sn.toLowerCase()}`,
    time_zone: timeZone,
    ...(role ? { role } : {}),
  }));
  const clock = new FakeClock(STARTS);
  const config = { time_zone: BERLIN, devices, silent_after_min: 0, pull_interval_min: 0 };
  await using relay = await Relay.start({ clock, config });
  await nameAll(relay);

  await deliver(relay, office.taps);
  await until(() => relay.count("direction_queue") === 0, "all is decided");
  assert.equal(relay.count("device_logs"), office.taps.length);
  clock.set("2026-11-05T00:00:00Z");

  const { days: noted, insideThen } = watchTheDoors(office.taps, {
    fromMs: STARTS,
    toMs: Date.parse("2026-11-03T00:00:00Z"),
    thenMs: THEN,
  });

  const asked = async (format: "json" | "csv") =>
    await relay.api("GET", "/attendance/days", {
      query: { from: FROM, to: TO, ...ALL, format },
    }) as Response;
  const days: AttendanceDay[] = await (await asked("json")).json();
  const found = new Map(days.map((day) => [`${day.person_id} ${day.date}`, {
    minutes: day.minutes_inside,
    firstIn: day.first_in === null ? null : Date.parse(day.first_in),
    lastOut: day.last_out === null ? null : Date.parse(day.last_out),
    missingIn: day.missing_in,
    missingOut: day.missing_out,
  }]));
  const inOctober = [...noted].filter(([key]) => key.slice(-10) >= FROM && key.slice(-10) <= TO);
  assert.equal(days.length, inOctober.length);
  for (const [key, day] of inOctober) assert.deepEqual(found.get(key), day, key);

  const lines = (await (await asked("csv")).text()).trim().split("\r\n").slice(1);
  assert.deepEqual(
    lines.map((line) => line.split(",").slice(0, 2)),
    days.map(({ date, person_id }) => [date, person_id]),
  );

  // Who made no mistake has the hours that were meant.
  for (const [key, minutes] of office.meant) {
    const [person, date] = key.split(" ");
    if (!office.faultless.has(person!) || date! > TO) continue;
    assert.deepEqual(
      [found.get(key)?.minutes, found.get(key)?.missingIn, found.get(key)?.missingOut],
      [minutes, false, false],
      key,
    );
  }
  // Eight hours and the one that came twice, less the break.
  const night = days.find(({ person_id, date }) => person_id === "1170" && date === "2026-10-24");
  assert.equal(night?.last_out?.slice(0, 10), "2026-10-25");

  const months = await relay.api("GET", "/attendance/months", {
    query: { from: "2026-10", to: "2026-10", person: "Y1170", format: "json", bom: false },
  }) as Response;
  const [month, ...more]: AttendanceMonth[] = await months.json();
  const own = inOctober.filter(([key]) => key.startsWith("1170 ")).map(([, day]) => day);
  assert.equal(more.length, 0);
  assert.deepEqual(month, {
    person_id: "1170",
    name: "Name 1170",
    department: "Works",
    month: "2026-10",
    days: own.length,
    minutes_inside: own.reduce((sum, { minutes }) => sum + minutes, 0),
    missing_in: own.filter(({ missingIn }) => missingIn).length,
    missing_out: own.filter(({ missingOut }) => missingOut).length,
  });

  // At some moment of the month the same people are inside, since the same minute.
  clock.set(THEN);
  const present = await relay.api("GET", "/presence", {
    query: { format: "json", bom: false },
  }) as Presence;
  assert.ok(present.count > 100, `${present.count} are inside`);
  assert.deepEqual(
    Object.fromEntries(present.inside.map(({ person_id, since }) => [person_id, since])),
    Object.fromEntries([...insideThen].sort().map(([id, ms]) => [id, instantOf(ms)])),
  );
  assert.deepEqual(
    present.inside.map(({ name }) => name),
    present.inside.map(({ name }) => name).toSorted(),
  );
  const sales = await relay.api("GET", "/presence", {
    query: { department: "Sales", format: "json", bom: false },
  }) as Presence;
  assert.deepEqual(
    sales.inside,
    present.inside.filter(({ department }) => department === "Sales"),
  );
});

/** Everybody has a name, a department and the id by which the yard knows them. */
async function nameAll(relay: Relay): Promise<void> {
  for (let number = 1_000; number < 1_200; number++) {
    const id = String(number);
    const department = number < 1_100 ? "Sales" : "Works";
    const body = { name: `Name ${id}`, department, aliases: [`Y${id}`] };
    await relay.api("PUT", "/people/{id}", { params: { id }, body });
  }
}

/** Day by day each device sends what it has recorded, one device after the other; the yard is off on two days. */
async function deliver(relay: Relay, taps: readonly Tap[]): Promise<void> {
  const waiting = new Map<Door, Tap[]>(Object.values<Door>(DOORS).map((door) => [door, []]));
  const inOrder = taps.toSorted((a, b) => a.atMs - b.atMs);
  let at = 0;
  for (let day = 0; day <= 33; day++) {
    const midnight = STARTS + (day + 1) * DAY_MS;
    for (; at < inOrder.length && inOrder[at]!.atMs < midnight; at++) {
      waiting.get(inOrder[at]!.door)!.push(inOrder[at]!);
    }
    relay.clock.set(midnight);
    for (const [door, held] of waiting) {
      const off = door === DOORS.yard && (day === 7 || day === 8);
      if (off || held.length === 0) continue;
      await send(relay, door, held.splice(0));
    }
  }
  assert.equal(at, inOrder.length);
}

async function send(relay: Relay, door: Door, taps: readonly Tap[]): Promise<void> {
  const zone = new Zone(door.timeZone);
  const time = ({ wrongClock, atMs }: Tap) => wrongClock ?? zone.wallAt(atMs);
  if (door.protocol === "aiface") {
    const record = taps.map((tap) => ({ enrollid: tap.person, time: time(tap), inout: 0 }));
    const device = await relay.registered(door.sn);
    const answer = await device.ask({ cmd: "sendlog", sn: door.sn, count: record.length, record });
    assert.equal(answer?.result, true);
    return;
  }
  const status = ({ way }: Tap) => door.status ? (way === "in" ? 0 : 1) : 255;
  const lines = taps.map((tap) => `${idAt(door, tap.person)}\t${time(tap)}\t${status(tap)}\t1`);
  const { status: code } = await relay.iclock(door.sn).post("ATTLOG", lines.join("\n"));
  assert.equal(code, 200);
}
