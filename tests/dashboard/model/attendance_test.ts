import assert from "node:assert/strict";
import {
  dayMarks,
  doorTime,
  hours,
  pairsText,
  personChanges,
  quickRanges,
  searchPeople,
} from "../../../src/dashboard/model/attendance.ts";

const NIGHT = { date: "2026-03-28", time_zone: "Europe/Berlin" };

Deno.test("quickRanges end today, and months begin with their first day, across a year's end", () => {
  const days = quickRanges("2026-01-15", "days");
  assert.deepEqual(days["Today"], { from: "2026-01-15", to: "2026-01-15" });
  assert.deepEqual(days["Yesterday"], { from: "2026-01-14", to: "2026-01-14" });
  assert.deepEqual(days["7 days"], { from: "2026-01-09", to: "2026-01-15" });
  assert.deepEqual(days["This month"], { from: "2026-01-01", to: "2026-01-15" });
  assert.deepEqual(days["Last month"], { from: "2025-12-01", to: "2025-12-31" });
  const months = quickRanges("2026-01-15", "months");
  assert.deepEqual(months["12 months"], { from: "2025-02-01", to: "2026-01-15" });
});

Deno.test("hours writes minutes in two digits", () => {
  assert.deepEqual([0, 5, 59, 60, 485].map(hours), ["0:00", "0:05", "0:59", "1:00", "8:05"]);
});

Deno.test("doorTime is by the clock of the door, with the date where it is another day", () => {
  assert.match(doorTime("2026-03-28T21:04:00Z", NIGHT), /^(22:04|10:04\sPM)$/);
  // Clocks were set forward in between.
  assert.match(doorTime("2026-03-29T04:02:00Z", NIGHT), /29.*, (06:02|06:02\sAM)$/);
  assert.equal(doorTime(null, NIGHT), "–");
});

Deno.test("pairsText shows a missing entry or exit as a question mark", () => {
  const door = { in_device: "A", out_device: "A" };
  const text = pairsText({
    ...NIGHT,
    pairs: [
      { in: "2026-03-28T07:00:00Z", out: null, ...door },
      { in: null, out: "2026-03-28T11:00:00Z", ...door },
    ],
  });
  assert.match(text, /^08:00[^?]*– \?, \? – 12:00/);
});

Deno.test("dayMarks name what is missing before what was corrected", () => {
  const none = { missing_in: false, missing_out: false, corrected: false };
  assert.deepEqual(dayMarks(none), []);
  assert.deepEqual(
    dayMarks({ missing_in: true, missing_out: true, corrected: true }).map(({ text }) => text),
    ["entry missing", "exit missing", "corrected"],
  );
});

const ANN = {
  person_id: "7",
  name: "Ann",
  department: null,
  active: true,
  source: "device",
  aliases: ["1007"],
  updated_at: "2026-03-02T00:00:00.000Z",
} as const;

Deno.test("searchPeople looks in name, department and every id, and leaves out who has left", () => {
  const left = { ...ANN, person_id: "8", name: "Bo", active: false, aliases: [] };
  const found = (text: string, withLeft = false) =>
    searchPeople([{ ...ANN, aliases: ["1007"] }, left], { text, withLeft })
      .map(({ person_id }) => person_id);
  assert.deepEqual([found(" aNN "), found("007"), found("Sales")], [["7"], ["7"], []]);
  assert.deepEqual([found(""), found("", true), found("bo")], [["7"], ["7", "8"], []]);
});

Deno.test("personChanges names each field that differs, before and after", () => {
  const before = { ...ANN, aliases: ["1007"] };
  assert.deepEqual(personChanges(before, { ...before, source: "import" }), []);
  assert.deepEqual(
    personChanges(before, { ...before, department: "Sales", active: false, aliases: [] }),
    ["department – → Sales", "active true → false", "aliases 1007 → –"],
  );
});
