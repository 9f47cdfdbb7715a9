import assert from "node:assert/strict";
import type { Heartbeat } from "../../../src/contract/playtime.ts";
import fc from "fast-check";
import { instantOf, msOf } from "../../../src/core/mod.ts";
import type { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/streams/playtime/mod.ts";
import { raiseDays, recomputeDays } from "../../../src/streams/playtime/recompute.ts";
import { openTables, recordHeartbeat } from "../../../src/streams/playtime/tables.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempStore } from "../../support/temp.ts";
import { playtimeFixture, rowsOf } from "./playtime_fixture.ts";

const ALLOWANCE = { mon: 0.5, tue: 3, sat: 1.7 };

/** What happens to a machine: the game runs or not for some polls, it sleeps, its clock is set, it restarts. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ polls: fc.integer({ min: 1, max: 40 }), playing: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ sleepSec: fc.integer({ min: 6, max: 40 * 3_600 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      setSec: fc.oneof(
        fc.integer({ min: -3_600, max: 3_600 }),
        fc.constantFrom(-86_400, 86_400, -1_893_456_000, 1_893_456_000),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ restartWithSec: fc.constantFrom(1, 5, 7, 10, 60) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The heartbeats of a life of steps that begins a minute before midnight. */
function live(steps: readonly Step[]): Heartbeat[] {
  let at = msOf("2026-03-01T23:59:00.000Z");
  let intervalSec = 5;
  const heartbeats: Heartbeat[] = [];
  for (const step of steps) {
    if ("sleepSec" in step) at += step.sleepSec * 1000;
    else if ("setSec" in step) at += step.setSec * 1000;
    else if ("restartWithSec" in step) intervalSec = step.restartWithSec;
    else {
      for (let poll = 0; poll < step.polls; poll++) {
        heartbeats.push({
          id: `h${heartbeats.length}`,
          device_id: "pc-1",
          timestamp_utc: instantOf(at),
          is_playing: step.playing,
          poll_interval_sec: intervalSec,
          process_name: null,
        });
        at += intervalSec * 1000;
      }
    }
  }
  return heartbeats;
}

/** The minutes of each day, by the plainest sum there is. */
function plainSums(heartbeats: readonly Heartbeat[]): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const { timestamp_utc, is_playing, poll_interval_sec } of heartbeats) {
    const day = timestamp_utc.slice(0, 10);
    const sum = (seconds.get(day) ?? 0) + (is_playing ? poll_interval_sec : 0);
    seconds.set(day, Math.min(sum, 86_400));
  }
  return new Map([...seconds].map(([day, sum]) => [day, sum / 60]));
}

const days = (store: Store) =>
  (rowsOf(store, "daily_rollups") as Record<string, unknown>[])
    .map(({ updated_at: _when, ...numbers }) => numbers);

Deno.test("recompute gives the same bits as heartbeat by heartbeat, whatever happened to the machine", async () => {
  const clock = new FakeClock();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      using temp = tempStore(migrations);
      const { store } = temp;
      const tables = openTables(store);
      const heartbeats = live(steps);
      await store.write(() => {
        for (const each of heartbeats) recordHeartbeat(tables, each, { allowance: ALLOWANCE });
      });
      const sums = plainSums(heartbeats);
      const rollups = days(store);
      assert.deepEqual(
        new Map(rollups.map(({ date_utc, minutes_used }) => [date_utc, minutes_used])),
        new Map([...sums].sort()),
      );
      const before = {
        rollups: rowsOf(store, "daily_rollups"),
        slots: rowsOf(store, "usage_slots"),
      };

      const options = { allowance: ALLOWANCE, clock };
      assert.deepEqual(await recomputeDays(store, tables, options), {
        days: sums.size,
        changed: 0,
        incomplete: 0,
      });
      assert.deepEqual(rowsOf(store, "daily_rollups"), before.rollups);
      assert.deepEqual(rowsOf(store, "usage_slots"), before.slots);

      store.db.exec("DELETE FROM daily_rollups; DELETE FROM usage_slots");
      assert.equal((await recomputeDays(store, tables, options)).changed, sums.size);
      assert.deepEqual(days(store), rollups);
      assert.deepEqual(rowsOf(store, "usage_slots"), before.slots);
    }),
    { numRuns: 60 },
  );
});

Deno.test("recompute mends days and slots that were damaged, and leaves the others alone", async () => {
  using fixture = playtimeFixture({ start: "2026-03-02T23:59:30.000Z" });
  const { store, stream, clock } = fixture;
  fixture.game = "Minecraft.exe";
  for (let n = 0; n < 12; n++) {
    await stream.pollOnce();
    await clock.advance(5_000);
  }
  const good = days(store);
  const slots = rowsOf(store, "usage_slots");
  store.db.exec(`
    UPDATE daily_rollups SET minutes_used = 99 WHERE date_utc = '2026-03-02';
    INSERT INTO usage_slots VALUES ('pc-1', '2026-03-02T04:00:00.000Z', 7)`);
  assert.equal(stream.status().today.minutes_used, 0.5);
  assert.deepEqual(await stream.recompute(), { days: 2, changed: 1, incomplete: 0 });
  assert.deepEqual(days(store), good);
  assert.deepEqual(rowsOf(store, "usage_slots"), slots);
});

Deno.test("recompute counts heartbeats that come while it runs once", async () => {
  using fixture = playtimeFixture();
  const { store, stream, clock } = fixture;
  fixture.game = "Minecraft.exe";
  await store.write(() => {
    const add = store.db.prepare(
      `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec)
       VALUES ('x', 'pc-1', ?, 1, 5)`,
    );
    for (let n = 0; n < 8_640; n++) {
      add.run(instantOf(msOf("2026-03-02T00:00:00.000Z") + n * 5_000));
    }
  });
  const running = stream.recompute();
  assert.equal(stream.recompute(), running, "a second call joins the first");
  for (let n = 0; n < 6; n++) {
    await stream.pollOnce();
    clock.set(clock.now() + 5_000);
  }
  await running;
  await stream.pollOnce();
  const [day] = days(store);
  assert.equal(day!.minutes_used, (8_640 + 7) * 5 / 60);
  assert.equal(stream.status().today.minutes_used, (8_640 + 7) * 5 / 60);
});

Deno.test("recompute leaves days alone whose heartbeats are not all there any more", async () => {
  using fixture = playtimeFixture({ start: "2026-01-10T12:00:00.000Z", retention_days: 30 });
  const { store, stream, clock } = fixture;
  fixture.game = "Minecraft.exe";
  // On the 10th, and on the 11th twice: half of that day will be pruned.
  for (
    const at of ["2026-01-10T12:00", "2026-01-11T02:00", "2026-01-11T20:00", "2026-01-12T02:00"]
  ) {
    clock.set(`${at}:00.000Z`);
    await stream.pollOnce();
  }
  const before = days(store);
  await store.write(() => stream.prune("2026-02-10T12:00:00.000Z", { left: () => true }));
  assert.equal(rowsOf(store, "heartbeats").length, 2);
  store.db.exec("UPDATE daily_rollups SET minutes_used = 9 WHERE date_utc = '2026-01-12'");
  assert.deepEqual(await stream.recompute(), { days: 1, changed: 1, incomplete: 1 });
  assert.deepEqual(days(store), before);
});

Deno.test("recompute leaves days without a limit without one", async () => {
  using fixture = playtimeFixture({ poll_interval_sec: 120 });
  fixture.game = "Minecraft.exe";
  await fixture.stream.pollOnce();
  const stream = fixture.restart({ daily_allowance_min: 0 });
  const [day] = rowsOf(fixture.store, "daily_rollups");
  assert.equal((await stream.recompute()).changed, 0);
  assert.deepEqual(rowsOf(fixture.store, "daily_rollups"), [day]);
  assert.deepEqual(
    [Reflect.get(day!, "allowance_min"), Reflect.get(day!, "minutes_overdraft")],
    [null, 0],
  );
});

Deno.test("recompute does not apply today's allowance to days that had another", async () => {
  using fixture = playtimeFixture({ daily_allowance_min: 1, poll_interval_sec: 120 });
  fixture.game = "Minecraft.exe";
  await fixture.stream.pollOnce();
  const before = rowsOf(fixture.store, "daily_rollups");
  const stream = fixture.restart({ daily_allowance_min: 60 });
  assert.equal((await stream.recompute()).changed, 0);
  assert.deepEqual(rowsOf(fixture.store, "daily_rollups"), before);
});

Deno.test("recompute ends when it is told to", async () => {
  using fixture = playtimeFixture();
  await fixture.stream.pollOnce();
  await assert.rejects(fixture.stream.recompute({ signal: AbortSignal.abort() }), {
    name: "AbortError",
  });
});

const HOUR_AT = msOf("2026-03-02T12:00:00.000Z");

/** A minute of play for each of the given minutes of an hour. */
async function playMinutes(store: Store, minutes: readonly number[]): Promise<void> {
  await store.write(() => {
    for (const minute of minutes) {
      recordHeartbeat(openTables(store), minuteOf(minute), { allowance: 0 });
    }
  });
}

function minuteOf(minute: number): Heartbeat {
  return {
    id: `m${minute}`,
    device_id: "pc-1",
    timestamp_utc: instantOf(HOUR_AT + minute * 60_000),
    is_playing: true,
    poll_interval_sec: 60,
    process_name: null,
  };
}

function slotsOf(store: Store): Record<string, number> {
  return Object.fromEntries(
    (rowsOf(store, "usage_slots") as { slot_utc: string; minutes_used: number }[])
      .map(({ slot_utc, minutes_used }) => [slot_utc.slice(11, 16), minutes_used]),
  );
}

Deno.test("recompute counts a heartbeat that is committed between its reading and its writing", async () => {
  const clock = new FakeClock("2026-03-02T13:00:00.000Z");
  using temp = tempStore(migrations, { clock });
  const { store } = temp;
  await playMinutes(store, [0, 1, 2]);
  // A day's heartbeats are read at once, its write waits: the one of the heartbeat goes before.
  const running = recomputeDays(store, openTables(store), { allowance: 0, clock });
  await Promise.all([running, playMinutes(store, [3])]);
  assert.deepEqual(slotsOf(store), { "12:00": 4 });
  assert.equal(days(store)[0]!.minutes_used, 4);
});

Deno.test("raiseDays raises what says less than its heartbeats, and lowers nothing", async () => {
  const clock = new FakeClock("2026-03-02T13:00:00.000Z");
  using temp = tempStore(migrations, { clock });
  const { store } = temp;
  await playMinutes(store, [0, 1, 15, 30]);
  // As after a repair: of some slots the heartbeats were lost, of others the slot.
  store.db.exec(`
    UPDATE usage_slots SET minutes_used = 9 WHERE slot_utc LIKE '%T12:00%';
    UPDATE usage_slots SET minutes_used = 0.5 WHERE slot_utc LIKE '%T12:15%';
    DELETE FROM usage_slots WHERE slot_utc LIKE '%T12:30%';
    INSERT INTO usage_slots VALUES ('pc-1', '2026-03-02T12:45:00.000Z', 3);
    UPDATE daily_rollups SET minutes_used = 14`);
  await raiseDays(store, { allowance: 0, clock });
  assert.deepEqual(slotsOf(store), { "12:00": 9, "12:15": 1, "12:30": 1, "12:45": 3 });
  assert.equal(days(store)[0]!.minutes_used, 14);

  store.db.exec("UPDATE daily_rollups SET minutes_used = 2");
  await raiseDays(store, { allowance: 0, clock });
  assert.equal(days(store)[0]!.minutes_used, 4);
});

Deno.test("The status shows what a recompute has mended of today", async () => {
  using fixture = playtimeFixture();
  const { store, stream } = fixture;
  fixture.game = "Minecraft.exe";
  await stream.pollOnce();
  store.db.exec("UPDATE usage_slots SET minutes_used = 7");
  const restarted = fixture.restart();
  assert.equal(restarted.status().today.minutes_used, 7);
  await restarted.recompute();
  assert.equal(restarted.status().today.minutes_used, 5 / 60);
});
