/** @module */
import assert from "node:assert/strict";
import {
  ActivityHours,
  expectedSince,
} from "../../../../src/streams/attendance/devices/activity_hours.ts";

const HOUR_MS = 3_600_000;
/** A Monday. */
const START = Date.parse("2026-10-05T00:00:00Z");
const at = (day: number, hour: number, minute = 0) =>
  START + (day * 24 + hour) * HOUR_MS + minute * 60_000;

/** Heard in these hours of these days, and kept as the database keeps it. */
function heard(days: readonly number[], from: number, to: number): ActivityHours {
  const hours = new ActivityHours();
  for (const day of days) for (let hour = from; hour < to; hour++) hours.record(at(day, hour, 30));
  return new ActivityHours(`${hours}`);
}

const since = (hours: ActivityHours, nowMs: number, lastSeenMs: number) =>
  expectedSince(hours, { nowMs, lastSeenMs });

Deno.test("expectedSince expects nothing of a device on its first day", () => {
  const hours = heard([0], 9, 17);
  assert.equal(since(hours, at(0, 18), at(0, 16, 30)), undefined);
  assert.equal(since(new ActivityHours(), at(0, 18), 0), undefined);
});

Deno.test("expectedSince goes by the day before in a device's first week", () => {
  const hours = heard([0], 9, 17);
  assert.equal(since(hours, at(1, 8, 59), at(0, 16, 30)), undefined);
  assert.equal(since(hours, at(1, 10, 30), at(0, 16, 30)), at(1, 9));
  assert.equal(since(hours, at(1, 17), at(0, 16, 30)), undefined, "its day is over");
});

Deno.test("expectedSince goes by the same hour of the week before from then on", () => {
  const hours = heard([0, 1, 2, 3, 4], 9, 17);
  const friday = at(4, 16, 30);
  assert.equal(
    since(hours, at(5, 12), friday),
    at(5, 9),
    "its first Saturday could be a working day",
  );
  for (const day of [7, 8]) for (let hour = 9; hour < 17; hour++) hours.record(at(day, hour));
  assert.equal(since(hours, at(9, 12), at(8, 16)), at(9, 9), "a Wednesday as the last");
  for (const day of [9, 10, 11]) for (let hour = 9; hour < 17; hour++) hours.record(at(day, hour));
  assert.equal(since(hours, at(12, 12), at(11, 16)), undefined, "Saturday");
  assert.equal(since(hours, at(14, 8), at(11, 16)), undefined, "early on Monday");
  assert.equal(since(hours, at(14, 9, 5), at(11, 16)), at(14, 9));
});

Deno.test("expectedSince counts from when the device was last heard within those hours", () => {
  const hours = heard([0, 1, 2, 3, 4, 5, 6, 7, 8], 0, 24);
  assert.equal(since(hours, at(9, 12), at(9, 10, 20)), at(9, 10, 20));
  assert.equal(since(hours, at(10, 12), at(8, 23, 30)), at(8, 23, 30), "over midnight");
});

Deno.test("expectedSince expects nothing any more of a device that was away for a week", () => {
  const hours = heard([0, 1, 2, 3, 4, 5, 6], 0, 24);
  assert.notEqual(since(hours, at(13, 23), at(6, 23)), undefined);
  assert.equal(since(hours, at(14, 1), at(6, 23)), undefined);
});

Deno.test("ActivityHours keeps a week, and survives clocks that leap and texts that are none", () => {
  const hours = heard([0], 9, 10);
  hours.record(at(0, 8));
  assert.equal(since(hours, at(1, 9, 30), at(0, 9)), at(1, 9), "put back by an hour");
  hours.record(at(400, 9));
  hours.record(at(1, 9));
  assert.equal(since(hours, at(2, 9, 30), at(1, 9)), at(2, 9), "put ahead by a year and back");
  for (const text of ["", "x", "1:", ":1", `5:${"f".repeat(44)}`]) {
    assert.equal(`${new ActivityHours(text)}`, "");
  }
  for (let hour = 0; hour < 1_000; hour++) hours.record(at(10, hour));
  assert.ok(`${hours}`.length < 60, `${hours}`);
});
