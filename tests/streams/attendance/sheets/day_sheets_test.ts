import assert from "node:assert/strict";
import {
  type DaySheet,
  daySheets,
  type SheetPunch,
} from "../../../../src/streams/attendance/sheets/day_sheets.ts";
import {
  addDaysTo,
  type MonthSheet,
} from "../../../../src/streams/attendance/sheets/month_sheets.ts";

const BERLIN = "Europe/Berlin";
const LIMIT = { maxStayMs: 16 * 3_600_000 };

/** A punch by its wall time in a zone: `in 2026-10-24 22:00`. */
function punch(text: string, timeZone = BERLIN): SheetPunch {
  const [direction, date, time] = text.split(" ");
  const at = Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(timeZone);
  return {
    atMs: at.epochMilliseconds,
    direction: direction as "in" | "out",
    deviceTime: `${date} ${time}:00`,
    timeZone,
    deviceSn: "DOOR",
    corrected: false,
  };
}

function sheets(punches: SheetPunch[], options: { from?: string; to?: string; now?: string } = {}) {
  const { from = "2026-10-01", to = "2026-11-30", now = "2026-12-24T00:00:00Z" } = options;
  return daySheets(punches, { personId: "7", from, to, nowMs: Date.parse(now), ...LIMIT });
}

const short = ({ date, minutesInside, missingIn, missingOut }: DaySheet) =>
  `${date} ${minutesInside}${missingIn ? " no entry" : ""}${missingOut ? " no exit" : ""}`;

Deno.test("daySheets: first in, last out and minutes of a day with a break", () => {
  const [day, ...more] = sheets([
    punch("in 2026-10-05 08:58"),
    punch("out 2026-10-05 12:00"),
    punch("in 2026-10-05 12:45"),
    punch("out 2026-10-05 17:03"),
  ]);
  assert.equal(more.length, 0);
  assert.equal(day!.firstIn!.deviceTime, "2026-10-05 08:58:00");
  assert.equal(day!.lastOut!.deviceTime, "2026-10-05 17:03:00");
  assert.equal(day!.minutesInside, 182 + 258);
  assert.equal(day!.stays.length, 2);
  assert.equal(short(day!), "2026-10-05 440");
});

Deno.test("daySheets: a night shift belongs to the day it began, and counts the hour that clocks repeat", () => {
  const night = [punch("in 2026-10-24 22:00"), punch("out 2026-10-25 06:00")];
  assert.deepEqual(sheets(night).map(short), ["2026-10-24 540"]);
  assert.deepEqual(sheets(night, { from: "2026-10-25" }).map(short), []);
  assert.deepEqual(sheets(night, { to: "2026-10-24" }).map(short), ["2026-10-24 540"]);
});

Deno.test("daySheets: what is missing is said, but not of who may still be inside", () => {
  const punches = [punch("out 2026-10-05 17:00"), punch("in 2026-10-06 09:00")];
  assert.deepEqual(sheets(punches, { now: "2026-10-06T20:00:00Z" }).map(short), [
    "2026-10-05 0 no entry",
    "2026-10-06 0",
  ]);
  assert.deepEqual(sheets(punches).map(short), ["2026-10-05 0 no entry", "2026-10-06 0 no exit"]);
});

Deno.test("daySheets: a day is one of the door's clock", () => {
  const punches = [
    punch("in 2026-10-05 23:30", "Asia/Dubai"),
    punch("out 2026-10-05 23:00"),
  ];
  const [day] = sheets(punches);
  assert.equal(day!.timeZone, "Asia/Dubai");
  assert.equal(day!.minutesInside, 90);
});

Deno.test("daySheets: a day with a punch that a person added is corrected", () => {
  const added = { ...punch("out 2026-10-05 17:00"), corrected: true };
  const [day, other] = sheets([
    punch("in 2026-10-05 09:00"),
    added,
    punch("in 2026-10-06 09:00"),
    punch("out 2026-10-06 17:00"),
  ]);
  assert.deepEqual([day!.corrected, other!.corrected], [true, false]);
});

Deno.test("addDaysTo sums the days of a month by person, in any number of parts", () => {
  const days = sheets([
    punch("in 2026-10-30 09:00"),
    punch("out 2026-10-30 10:00"),
    punch("in 2026-10-30 22:00"),
    punch("out 2026-10-31 06:00"),
    punch("in 2026-10-31 09:00"),
  ]);
  const months = new Map<string, MonthSheet>();
  for (const day of days) addDaysTo(months, [day]);
  addDaysTo(months, days.map((day) => ({ ...day, personId: "8" })));
  const sums = { month: "2026-10", days: 2, minutes_inside: 540, missing_in: 0, missing_out: 1 };
  assert.deepEqual([...months], [
    ["7", { person_id: "7", ...sums }],
    ["8", { person_id: "8", ...sums }],
  ]);
});
