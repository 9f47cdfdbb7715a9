import assert from "node:assert/strict";
import { limitOf } from "../../../src/dashboard/model/limit.ts";

const WEEK = { from: "2026-03-02", to: "2026-03-08", allowance_min: 100, granted_min: 10 };
const TODAY = {
  date: "2026-03-02",
  time_zone: "UTC",
  day_starts_at: "00:00",
  allowance_min: 60,
  granted_min: 0,
  minutes_used: 20,
  minutes_overdraft: 0,
  minutes_left: 40,
  limited_by: "day" as const,
  week: { ...WEEK, used_min: 20, left_min: 90 },
};

Deno.test("limitOf is where the tighter limit is reached", () => {
  assert.equal(limitOf(TODAY), 60);
  assert.equal(limitOf({ ...TODAY, minutes_used: 75, minutes_left: 0, minutes_overdraft: 15 }), 60);
  assert.equal(limitOf({ ...TODAY, minutes_left: null, limited_by: null }), null);
});

Deno.test("limitOf takes the week where that is tighter, and is never below 0", () => {
  const week = { ...WEEK, used_min: 115, left_min: 0 };
  const over = { ...TODAY, minutes_left: 0, limited_by: "week" as const, week };
  assert.equal(limitOf(over), 15);
  assert.equal(limitOf({ ...over, week: { ...week, used_min: 300 } }), 0);
});
