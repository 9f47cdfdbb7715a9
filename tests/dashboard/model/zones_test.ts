import assert from "node:assert/strict";
import {
  dayAt,
  dayStart,
  wallInstant,
  wallMs,
  weekdayOf,
} from "../../../src/dashboard/model/zones.ts";

for (
  const [day, zone, start] of [
    // The offset of the day's start is not that of its midnight in UTC.
    ["2026-03-29", "America/New_York", "2026-03-29T04:00:00.000Z"],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z"],
    ["2026-03-08", "America/Los_Angeles", "2026-03-08T08:00:00.000Z"],
    ["2026-11-02", "America/Los_Angeles", "2026-11-02T08:00:00.000Z"],
    ["2026-04-05", "Pacific/Auckland", "2026-04-04T11:00:00.000Z"],
    ["2026-04-06", "Pacific/Auckland", "2026-04-05T12:00:00.000Z"],
    // Clocks go from 00:00 to 01:00.
    ["2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00.000Z"],
    ["2026-09-06", "America/Santiago", "2026-09-06T04:00:00.000Z"],
  ] as const
) {
  Deno.test(`dayStart finds the beginning of ${day} in ${zone}`, () => {
    const ms = dayStart(day, zone);
    assert.equal(new Date(ms).toISOString(), start);
    assert.equal(dayAt(ms, zone), day);
    assert.notEqual(dayAt(ms - 1, zone), day);
  });
}

Deno.test("wallMs keeps the milliseconds of a moment before 1970", () => {
  const ms = Date.parse("1969-12-31T23:59:59.250Z");
  assert.equal(wallMs(ms, "UTC"), ms);
  assert.equal(wallMs(ms, "Europe/Berlin"), ms + 3_600_000);
  assert.equal(wallMs(-1_000, "UTC"), -1_000);
});

Deno.test("weekdayOf begins the week with Monday", () => {
  assert.deepEqual(["2026-03-01", "2026-03-02", "2026-03-07"].map(weekdayOf), [6, 0, 5]);
});

for (
  const [wall, zone, instant] of [
    ["2026-03-02T08:30:00Z", "Europe/Berlin", "2026-03-02T07:30:00.000Z"],
    ["2026-03-02T08:30:00Z", "Asia/Kolkata", "2026-03-02T03:00:00.000Z"],
    // Skipped: an hour later.
    ["2026-03-29T02:30:00Z", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-10-25T03:30:00Z", "Europe/Berlin", "2026-10-25T02:30:00.000Z"],
  ] as const
) {
  Deno.test(`wallInstant finds ${wall.slice(0, 16)} in ${zone}`, () => {
    assert.equal(new Date(wallInstant(Date.parse(wall), zone)).toISOString(), instant);
  });
}
