import assert from "node:assert/strict";
import { type FlushConfig, flushIntervalMs } from "../../../src/streams/events/schedule.ts";

type ActiveHours = FlushConfig["active_hours"];

const ACTIVE = 15_000;
const OFF = 120_000;

const newYork: ActiveHours = {
  days: ["mon", "tue", "wed", "thu", "fri"],
  from: "09:30",
  to: "16:00",
  time_zone: "America/New_York",
};
const night: ActiveHours = { days: ["fri"], from: "22:00", to: "02:00", time_zone: "UTC" };
const berlinNight: ActiveHours = {
  days: ["sat"],
  from: "23:00",
  to: "03:00",
  time_zone: "Europe/Berlin",
};

function interval(active_hours: ActiveHours, at: string): number {
  const flush = { active_sec: 15, offhours_sec: 120, active_hours };
  return flushIntervalMs(flush, { nowMs: Date.parse(at), timeZone: "America/New_York" });
}

// 2026-03-02 is a Monday.
Deno.test.each(
  [
    ["before the opening", newYork, "2026-03-02T14:29:59.999Z", OFF],
    ["at the opening", newYork, "2026-03-02T14:30:00.000Z", ACTIVE],
    ["just before the close", newYork, "2026-03-02T20:59:59.999Z", ACTIVE],
    ["at the close", newYork, "2026-03-02T21:00:00.000Z", OFF],
    ["at the weekend", newYork, "2026-03-07T15:00:00.000Z", OFF],
    ["after New York's clocks went forward", newYork, "2026-03-09T13:30:00.000Z", ACTIVE],
    ["an hour after that day's close", newYork, "2026-03-09T20:00:00.000Z", OFF],
    ["on friday evening of a night", night, "2026-03-06T22:00:00.000Z", ACTIVE],
    ["on saturday morning of that night", night, "2026-03-07T01:59:59.999Z", ACTIVE],
    ["when the night is over", night, "2026-03-07T02:00:00.000Z", OFF],
    ["on the next evening", night, "2026-03-07T22:30:00.000Z", OFF],
    ["on friday morning, of a night that did not begin", night, "2026-03-06T01:00:00.000Z", OFF],
    ["before the hour that Berlin skips", berlinNight, "2026-03-29T00:59:59.999Z", ACTIVE],
    ["after the hour that Berlin skips", berlinNight, "2026-03-29T01:00:00.000Z", OFF],
    ["in the hour that Berlin repeats", berlinNight, "2026-10-25T01:30:00.000Z", ACTIVE],
    ["after the hour that Berlin repeats", berlinNight, "2026-10-25T02:00:00.000Z", OFF],
    [
      "to the end of the day",
      { ...night, from: "09:00", to: "24:00" },
      "2026-03-06T23:59:59.999Z",
      ACTIVE,
    ],
    ["after the end of the day", { ...night, to: "24:00" }, "2026-03-07T00:00:00.000Z", OFF],
    [
      "all day when begin and end are the same",
      { ...night, from: "00:00", to: "00:00" },
      "2026-03-06T12:00:00.000Z",
      ACTIVE,
    ],
    [
      "in the agent's zone, without its own",
      { ...newYork, time_zone: null },
      "2026-03-02T14:30:00Z",
      ACTIVE,
    ],
    ["without any day", { ...night, days: [] }, "2026-03-06T22:30:00.000Z", OFF],
  ] as const,
)("flushIntervalMs %s", (_, hours, at, expected) => {
  assert.equal(interval(hours, at), expected);
});
