import assert from "node:assert/strict";
import fc from "fast-check";
import { Zone } from "../../../../src/streams/attendance/storage/time.ts";

const kolkata = new Zone("Asia/Kolkata");
const berlin = new Zone("Europe/Berlin");
const at = (text: string) => Date.parse(text);

Deno.test("Zone normalises every way in which firmware writes a time", () => {
  for (
    const text of [
      "2026-10-05 09:15:30",
      "2026-10-05T09:15:30",
      " 2026-10-05  09:15:30 ",
      "2026/10/05 09:15:30",
      "2026-10-5 9:15:30",
      "2026-10-05 09:15:30.250",
      "20261005091530",
      String(at("2026-10-05T03:45:30Z") / 1000),
      String(at("2026-10-05T03:45:30Z")),
    ]
  ) assert.equal(kolkata.normalise(text), "2026-10-05 09:15:30", text);
  assert.equal(kolkata.normalise("2026-10-05 09:15"), "2026-10-05 09:15:00");
});

Deno.test("Zone refuses what is no time of the calendar", () => {
  for (
    const text of [
      "",
      "2026-13-45",
      "2026-13-05 09:15:30",
      "2026-02-30 09:15:30",
      "2026-10-05 24:00:00",
      "2026-10-05 09:60:00",
      "2026-10-05 09:15:30Z",
      "20261305091530",
      "0",
      "yesterday",
    ]
  ) assert.equal(kolkata.normalise(text), undefined, text);
});

Deno.test("Zone reads midnight in India as 18:30 UTC of the day before", () => {
  const received = at("2026-10-05T19:00:00Z");
  assert.deepEqual(kolkata.read("2026-10-05 23:59:59", received), {
    at: "2026-10-05T18:29:59.000Z",
    suspect: false,
  });
  assert.deepEqual(kolkata.read("2026-10-06 00:00:00", received), {
    at: "2026-10-05T18:30:00.000Z",
    suspect: false,
  });
});

Deno.test("Zone reads an hour that happens twice by when the punch arrived", () => {
  const wall = "2026-10-25 02:30:00";
  const first = "2026-10-25T00:30:00.000Z";
  const second = "2026-10-25T01:30:00.000Z";
  assert.equal(berlin.read(wall, at(first) + 2_000).at, first);
  assert.equal(berlin.read(wall, at(second) + 2_000).at, second);
  assert.equal(berlin.read(wall, at("2026-10-26T12:00:00Z")).at, first, "a late one is the first");
});

Deno.test("Zone marks an hour that does not exist and reads it by the clock of before", () => {
  assert.deepEqual(berlin.read("2026-03-29 02:30:00", at("2026-03-29T01:30:05Z")), {
    at: "2026-03-29T01:30:00.000Z",
    suspect: true,
  });
});

Deno.test("Zone marks times that cannot be right", () => {
  const received = at("2026-10-05T03:50:00Z");
  assert.equal(kolkata.read("2000-01-01 00:00:05", received).suspect, true);
  assert.equal(kolkata.read("2026-10-06 09:20:00", received).suspect, true);
  assert.equal(kolkata.read("2026-10-05 09:29:59", received).suspect, false);
  assert.equal(kolkata.read("2026-09-01 08:00:00", received).suspect, false, "a backlog is fine");
});

Deno.test("Zone reads back what it tells, at any moment in any zone", () => {
  const zones = ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]
    .map((name) => new Zone(name));
  fc.assert(fc.property(
    fc.constantFrom(...zones),
    fc.integer({ min: at("2020-01-01T00:00:00Z") / 1000, max: at("2040-01-01T00:00:00Z") / 1000 }),
    (zone, seconds) => {
      const ms = seconds * 1000;
      const wall = zone.wallAt(ms);
      assert.equal(zone.normalise(wall), wall);
      const read = at(zone.read(wall, ms).at);
      // Within a repeated hour that is shorter than the tolerance, either reading is as good.
      assert.equal(zone.wallAt(read), wall);
      if (zone.name !== "Australia/Lord_Howe") assert.equal(read, ms);
    },
  ));
});
