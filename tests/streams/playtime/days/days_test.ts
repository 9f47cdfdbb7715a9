import assert from "node:assert/strict";
import type { Heartbeat } from "../../../../src/contract/playtime.ts";
import fc from "fast-check";
import {
  addDays,
  dayAt,
  dayBounds,
  instantOf,
  msOf,
  SLOT_MS,
  slotAt,
} from "../../../../src/core/mod.ts";
import type { Store } from "../../../../src/store/mod.ts";
import { utcDays, zoneDay } from "../../../../src/streams/playtime/days/days.ts";
import { migrations } from "../../../../src/streams/playtime/mod.ts";
import {
  openTables,
  recordHeartbeat,
  type Tables,
} from "../../../../src/streams/playtime/tables.ts";
import { NO_LIMIT } from "../playtime_fixture.ts";
import { tempStore } from "../../../support/temp.ts";

const OPTIONS = { deviceId: "pc-1", rules: { ...NO_LIMIT, daily: { sun: 60 } } };

/** Heartbeats as if the game had run the whole time, in intervals of a slot's length to keep it short. */
async function playThrough(
  { store, tables }: { store: Store; tables: Tables },
  { from, to, stepMs = SLOT_MS }: { from: number; to: number; stepMs?: number },
): Promise<void> {
  await store.write(() => {
    for (let at = from; at < to; at += stepMs) {
      recordHeartbeat(tables, beat(at, { poll_interval_sec: stepMs / 1000 }), { allowance: 0 });
    }
  });
}

function beat(at: number, change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    id: `h${at}`,
    device_id: "pc-1",
    timestamp_utc: instantOf(at),
    is_playing: true,
    poll_interval_sec: 5,
    process_name: null,
    ...change,
  };
}

const LONG_AND_SHORT: readonly [timeZone: string, day: string, hours: number][] = [
  ["UTC", "2026-03-29", 24],
  ["Europe/Berlin", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25", 25],
  ["America/New_York", "2026-03-08", 23],
  ["America/New_York", "2026-11-01", 25],
  ["Asia/Kolkata", "2026-03-29", 24],
  ["Asia/Kathmandu", "2026-03-29", 24],
  ["Australia/Lord_Howe", "2026-04-05", 24.5],
  ["Australia/Lord_Howe", "2026-10-04", 23.5],
  ["America/Santiago", "2026-09-06", 23],
  ["Pacific/Apia", "2026-03-29", 24],
];

for (const [timeZone, day, hours] of LONG_AND_SHORT) {
  Deno.test(`zoneDay gives ${day} in ${timeZone} its ${hours} hours`, async () => {
    using temp = tempStore(migrations);
    const tables = openTables(temp.store);
    const noon = msOf(`${day}T12:00:00.000Z`);
    await playThrough({ store: temp.store, tables }, {
      from: noon - 60 * 3_600_000,
      to: noon + 60 * 3_600_000,
    });
    const view = zoneDay(tables, { date: day, timeZone }, OPTIONS);
    assert.equal(view.minutes_used, hours * 60);
    assert.equal(view.allowance_min, 60);
    assert.equal(view.minutes_overdraft, hours * 60 - 60);
    assert.equal(zoneDay(tables, { date: addDays(day, 1), timeZone }, OPTIONS).minutes_used, 1_440);
  });
}

Deno.test("zoneDay tells the newest heartbeat of the day it knows of", async () => {
  using temp = tempStore(migrations);
  const tables = openTables(temp.store);
  const from = msOf("2026-03-02T20:00:00.000Z");
  await playThrough({ store: temp.store, tables }, { from, to: from + 8 * 3_600_000 });
  const view = (day: string) => zoneDay(tables, { date: day, timeZone: "Asia/Kolkata" }, OPTIONS);
  assert.equal(view("2026-03-03").last_heartbeat_at, "2026-03-03T03:45:00.000Z");
  assert.equal(view("2026-03-03").updated_at, "2026-03-03T03:45:00.000Z");
  assert.equal(view("2026-03-02").last_heartbeat_at, null);
  assert.equal(view("2026-03-05").updated_at, null);
});

Deno.test("A day holds no more than its length, even when its hours came twice", async () => {
  using temp = tempStore(migrations);
  const tables = openTables(temp.store);
  const { from, to } = dayBounds("2026-03-29", "Europe/Berlin");
  for (let times = 0; times < 2; times++) {
    await playThrough({ store: temp.store, tables }, { from, to });
  }
  const day = { date: "2026-03-29", timeZone: "Europe/Berlin" };
  assert.equal(zoneDay(tables, day, OPTIONS).minutes_used, 23 * 60);
  const [utc] = utcDays(tables, { from: "2026-03-29", to: "2026-03-29" }, OPTIONS);
  assert.equal(utc!.minutes_used, 1_440);
});

Deno.test("utcDays fills days without data with zeros", async () => {
  using temp = tempStore(migrations);
  const tables = openTables(temp.store);
  const from = msOf("2026-03-02T20:00:00.000Z");
  await playThrough({ store: temp.store, tables }, { from, to: from + 3_600_000 });
  const days = utcDays(tables, { from: "2026-02-28", to: "2026-03-03" }, OPTIONS);
  assert.deepEqual(days.map(({ date, minutes_used }) => [date, minutes_used]), [
    ["2026-02-28", 0],
    ["2026-03-01", 0],
    ["2026-03-02", 60],
    ["2026-03-03", 0],
  ]);
  assert.deepEqual(days[1], {
    device_id: "pc-1",
    date: "2026-03-01",
    date_utc: "2026-03-01",
    time_zone: "UTC",
    minutes_used: 0,
    minutes_overdraft: 0,
    allowance_min: 60,
    last_heartbeat_at: null,
    updated_at: null,
  });
});

Deno.test("The days of every zone hold the same play, and a day of UTC is the sum of its slots", async () => {
  const zones = fc.constantFrom(
    ...["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"],
  );
  const ticks = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 8 * 86_400 }), fc.integer({ min: 1, max: 60 })),
    {
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(zones, ticks, async (timeZone, played) => {
      using temp = tempStore(migrations);
      const tables = openTables(temp.store);
      const begin = msOf("2026-10-21T00:00:00.000Z");
      await temp.store.write(() => {
        for (const [offsetSec, seconds] of played) {
          const heartbeat = beat(begin + offsetSec * 1000, { poll_interval_sec: seconds });
          recordHeartbeat(tables, heartbeat, { allowance: 0 });
        }
      });
      const days = new Map<string, number>();
      for (const [offsetSec, seconds] of played) {
        const day = dayAt(msOf(slotAt(begin + offsetSec * 1000)), timeZone);
        days.set(day, (days.get(day) ?? 0) + seconds);
      }
      for (let day = "2026-10-20"; day <= "2026-10-30"; day = addDays(day, 1)) {
        const view = zoneDay(tables, { date: day, timeZone }, OPTIONS);
        assert.equal(view.minutes_used, (days.get(day) ?? 0) / 60);
        const { from, to } = dayBounds(day, timeZone);
        assert(view.minutes_used <= (to - from) / 60_000);
        if (timeZone !== "UTC") continue;
        const [utc] = utcDays(tables, { from: day, to: day }, OPTIONS);
        assert.equal(view.minutes_used, utc!.minutes_used);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("zoneDay knows nothing of the UTC day that begins where the day ends", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  const tables = openTables(store);
  const at = (text: string) => msOf(`2026-01-${text}:00.000Z`);
  await store.write(() => {
    for (const time of ["05T23:00", "06T01:00"]) {
      recordHeartbeat(tables, beat(at(time)), { allowance: 0 });
    }
  });
  // UTC+0 the whole year.
  const day = zoneDay(tables, { date: "2026-01-05", timeZone: "Africa/Abidjan" }, OPTIONS);
  assert.equal(day.updated_at, "2026-01-05T23:00:00.000Z");
  assert.equal(day.last_heartbeat_at, "2026-01-05T23:00:00.000Z");
});
