import assert from "node:assert/strict";
import {
  addDays,
  dayAt,
  dayBounds,
  daysBetween,
  isDay,
  isTimeZone,
  slotAt,
  weekday,
} from "../../../src/core/mod.ts";

const HOUR_MS = 3_600_000;

for (
  const { day, zone, hours, from } of [
    { day: "2026-01-16", zone: "UTC", hours: 24, from: "2026-01-16T00:00:00.000Z" },
    { day: "2026-03-29", zone: "Europe/Berlin", hours: 23, from: "2026-03-28T23:00:00.000Z" },
    { day: "2026-10-25", zone: "Europe/Berlin", hours: 25, from: "2026-10-24T22:00:00.000Z" },
    { day: "2026-10-05", zone: "Asia/Kolkata", hours: 24, from: "2026-10-04T18:30:00.000Z" },
    {
      day: "2026-10-04",
      zone: "Australia/Lord_Howe",
      hours: 23.5,
      from: "2026-10-03T13:30:00.000Z",
    },
    // Here the clocks go forward at midnight: the day begins at one o'clock.
    { day: "2026-03-28", zone: "Asia/Beirut", hours: 24, from: "2026-03-27T22:00:00.000Z" },
    { day: "2026-03-29", zone: "Asia/Beirut", hours: 23, from: "2026-03-28T22:00:00.000Z" },
  ]
) {
  Deno.test(`dayBounds has ${day} in ${zone} last ${hours} hours`, () => {
    const bounds = dayBounds(day, zone);
    assert.equal((bounds.to - bounds.from) / HOUR_MS, hours);
    assert.equal(new Date(bounds.from).toISOString(), from);
    assert.equal(dayAt(bounds.from, zone), day);
    assert.equal(dayAt(bounds.to - 1, zone), day);
    assert.notEqual(dayAt(bounds.to, zone), day);
  });
}

Deno.test("dayAt and dayBounds agree where days begin later than midnight, also when clocks change", () => {
  for (
    const zone of ["UTC", "Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kolkata"]
  ) {
    for (const startsAt of ["00:15", "02:30", "04:00", "12:00"]) {
      for (const day of ["2026-03-28", "2026-03-29", "2026-10-04", "2026-10-25", "2026-10-26"]) {
        const { from, to } = dayBounds(day, zone, startsAt);
        const said = `${day} in ${zone} from ${startsAt}`;
        assert.equal(from, dayBounds(addDays(day, -1), zone, startsAt).to, said);
        assert.equal(dayAt(from - 1, zone, startsAt), addDays(day, -1), said);
        for (let at = from; at < to; at += HOUR_MS / 4) {
          assert.equal(dayAt(at, zone, startsAt), day, said);
        }
        assert.equal(slotAt(from), new Date(from).toISOString(), said);
      }
    }
  }
  assert.equal(
    new Date(dayBounds("2026-01-16", "Europe/Berlin", "04:00").from).toISOString(),
    "2026-01-16T03:00:00.000Z",
  );
  // Half past two does not exist on that night.
  assert.equal(
    new Date(dayBounds("2026-03-29", "Europe/Berlin", "02:30").from).toISOString(),
    "2026-03-29T01:30:00.000Z",
  );
});

Deno.test("isDay takes days of the calendar only", () => {
  for (const good of ["2026-01-16", "2024-02-29"]) assert.ok(isDay(good), good);
  for (
    const bad of ["2026-1-16", "2026-02-29", "2026-13-01", "16.01.2026", "", "2026-01-16T00:00"]
  ) {
    assert.ok(!isDay(bad), bad);
  }
});

Deno.test("isTimeZone knows IANA names", () => {
  assert.ok(isTimeZone("Asia/Kolkata"));
  assert.ok(!isTimeZone("Mars/Olympus"));
});

Deno.test("slotAt gives the quarter of an hour that a time lies in", () => {
  assert.equal(slotAt(Date.parse("2026-01-16T12:14:59.999Z")), "2026-01-16T12:00:00.000Z");
  assert.equal(slotAt(Date.parse("2026-01-16T12:15:00Z")), "2026-01-16T12:15:00.000Z");
});

Deno.test("Days count over months and years", () => {
  assert.equal(addDays("2026-12-31", 1), "2027-01-01");
  assert.equal(addDays("2026-03-01", -1), "2026-02-28");
  assert.equal(daysBetween("2026-01-01", "2027-01-01"), 365);
  assert.equal(weekday("2026-01-16"), 5);
});

Deno.test("slotAt finds the slot of a moment before 1970", () => {
  assert.equal(slotAt(-1), "1969-12-31T23:45:00.000Z");
  assert.equal(slotAt(-900_000), "1969-12-31T23:45:00.000Z");
});
