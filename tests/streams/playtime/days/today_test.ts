import assert from "node:assert/strict";
import type { Heartbeat } from "../../../../src/contract/playtime.ts";
import { instantOf, msOf } from "../../../../src/core/mod.ts";
import { migrations } from "../../../../src/streams/playtime/mod.ts";
import { openTables } from "../../../../src/streams/playtime/tables.ts";
import { Today } from "../../../../src/streams/playtime/days/today.ts";
import { NO_LIMIT } from "../playtime_fixture.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { tempStore } from "../../../support/temp.ts";

const MINUTE_MS = 60_000;

function bench({ start, timeZone = "UTC" }: { start: string; timeZone?: string }) {
  const clock = new FakeClock(start);
  const temp = tempStore(migrations, { clock });
  const tables = openTables(temp.store);
  const { slots } = tables;
  const rules = { ...NO_LIMIT, timeZone, daily: 2 };
  const today = new Today({ tables, clock, deviceId: "pc-1", rules });
  return {
    clock,
    today,
    slots,
    /** A minute of play, as it is added once it is stored. */
    play: (at: string) => today.add(minuteAt(at)),
    minutes: () => today.view().minutes_used,
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

function minuteAt(at: string): Heartbeat {
  return {
    id: at,
    device_id: "pc-1",
    timestamp_utc: instantOf(msOf(at)),
    is_playing: true,
    poll_interval_sec: 60,
    process_name: null,
  };
}

Deno.test("Today counts what was played from its first moment to before its last", () => {
  // 23 hours long, from 23:00 UTC of the day before.
  using test = bench({ start: "2026-03-29T21:59:30.000Z", timeZone: "Europe/Berlin" });
  assert.equal(test.minutes(), 0);
  for (
    const at of [
      "2026-03-28T22:59:59.999Z",
      "2026-03-28T23:00:00.000Z",
      "2026-03-29T21:59:59.999Z",
      "2026-03-29T22:00:00.000Z",
    ]
  ) test.play(at);
  assert.equal(test.minutes(), 2);
});

Deno.test("Today begins with what is stored of the day, and with the next day from there", async () => {
  using test = bench({ start: "2026-03-02T23:59:00.000Z" });
  test.slots.add("pc-1", "2026-03-02T20:00:00.000Z", 7 * MINUTE_MS);
  test.slots.add("pc-1", "2026-03-03T00:00:00.000Z", 3 * MINUTE_MS);
  assert.equal(test.minutes(), 7);
  await test.clock.advance(MINUTE_MS);
  assert.equal(test.minutes(), 3);
  assert.equal(test.today.view().date, "2026-03-03");
});

Deno.test("Today reads the slots again once they have changed otherwise", () => {
  using test = bench({ start: "2026-03-02T12:00:00.000Z" });
  assert.equal(test.minutes(), 0);
  test.slots.add("pc-1", "2026-03-02T11:00:00.000Z", 4 * MINUTE_MS);
  assert.equal(test.minutes(), 0);
  test.today.forget();
  assert.equal(test.minutes(), 4);
});

Deno.test("Today has no minutes left once more was played than allowed", () => {
  using test = bench({ start: "2026-03-02T12:00:00.000Z" });
  assert.equal(test.minutes(), 0);
  for (const second of ["00", "10", "20"]) test.play(`2026-03-02T12:00:${second}.000Z`);
  const { minutes_left, minutes_overdraft } = test.today.view();
  assert.deepEqual([minutes_left, minutes_overdraft], [0, 1]);
});
