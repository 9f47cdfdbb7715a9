/** What the dashboard reckons before it draws. @module */
import assert from "node:assert/strict";
import type { LaneStatus } from "../../src/contract/sync.ts";
import { daysCsv } from "../../src/dashboard/model/csv.ts";
import {
  emptyFeed,
  paused,
  resumed,
  visibleRows,
  withNews,
} from "../../src/dashboard/model/feed.ts";
import { duration, relative, stamp } from "../../src/dashboard/model/format.ts";
import { laneHealth, readingWords } from "../../src/dashboard/model/health.ts";
import { heatOf } from "../../src/dashboard/model/heat.ts";
import {
  addHeartbeat,
  clipSpans,
  type PlaySpan,
  sessionsOf,
  spanPath,
  spansOf,
} from "../../src/dashboard/model/spans.ts";
import { dayAt, dayStart } from "../../src/dashboard/model/zones.ts";

const NOON = Date.parse("2026-03-02T12:00:00Z");

/** Heartbeats every 5 s: `#` played, `.` not, a space for none. */
function heartbeats(picture: string) {
  return [...picture].flatMap((sign, index) =>
    sign === " " ? [] : [{
      timestamp_utc: new Date(NOON + index * 5_000).toISOString(),
      is_playing: sign === "#",
      poll_interval_sec: 5,
    }]
  );
}

function seconds({ from, to, playing }: PlaySpan): [number, number, boolean] {
  return [(from - NOON) / 1_000, (to - NOON) / 1_000, playing];
}

Deno.test("spansOf leaves open what was not looked at", () => {
  assert.deepEqual(spansOf(heartbeats("##..   .#")).map(seconds), [
    [0, 10, true],
    [10, 20, false],
    [35, 40, false],
    [40, 45, true],
  ]);
});

Deno.test("addHeartbeat takes a late look as one of the same span, and none twice", () => {
  const spans = spansOf(heartbeats("##"));
  const late = { timestamp_utc: new Date(NOON + 12_000).toISOString(), poll_interval_sec: 5 };
  addHeartbeat(spans, { ...late, is_playing: true });
  addHeartbeat(spans, { ...late, is_playing: true });
  addHeartbeat(spans, heartbeats("#")[0]!);
  assert.deepEqual(spans.map(seconds), [[0, 17, true]]);
});

Deno.test("sessionsOf joins play over short pauses, and clipSpans cuts at the day's ends", () => {
  const spans = spansOf(heartbeats(`##${".".repeat(10)}##${".".repeat(30)}#`));
  assert.deepEqual(sessionsOf(spans).map(seconds), [[0, 70, true], [220, 225, true]]);
  const [first] = clipSpans(spans, NOON + 4_000, NOON + 9_000);
  assert.deepEqual(seconds(first!), [4, 9, true]);
});

Deno.test("spanPath draws 17 280 spans as one outline no longer than the band is wide", () => {
  const spans = spansOf(heartbeats("#.".repeat(8_640)));
  const played = spans.filter(({ playing }) => playing);
  const path = spanPath(played, { from: NOON, to: NOON + 86_400_000, width: 1440, height: 40 });
  assert.equal(path, "M0 0h1440v40H0z");
});

Deno.test("Days begin where the zone's clocks say so, also when they are changed", () => {
  assert.equal(dayAt(Date.parse("2026-03-29T23:30:00Z"), "Europe/Berlin"), "2026-03-30");
  const hours = (day: string, next: string, zone: string) =>
    (dayStart(next, zone) - dayStart(day, zone)) / 3_600_000;
  assert.equal(hours("2026-03-29", "2026-03-30", "Europe/Berlin"), 23);
  assert.equal(hours("2026-10-25", "2026-10-26", "Europe/Berlin"), 25);
  // Midnight is skipped there: the day begins at one.
  const cairo = new Date(dayStart("2026-04-24", "Africa/Cairo")).toISOString();
  assert.equal(cairo, "2026-04-23T22:00:00.000Z");
  assert.equal(hours("2026-03-02", "2026-03-03", "Asia/Kathmandu"), 24);
});

Deno.test("heatOf sorts quarters of an hour by the zone's weekday and hour", () => {
  const heat = heatOf([{ slot_utc: "2026-03-01T23:45:00Z", minutes_used: 12 }], "Europe/Berlin");
  assert.equal(heat[0]![0], 12);
  assert.equal(heat.flat().filter((minutes) => minutes > 0).length, 1);
});

Deno.test("A paused feed keeps what comes apart, and no more than its cap", () => {
  let feed = withNews(emptyFeed<number>(), [1, 2, 3], 3);
  feed = withNews(paused(feed), [4, 5], 3);
  assert.deepEqual([feed.shown, feed.waiting], [[3, 2, 1], [5, 4]]);
  assert.deepEqual(resumed(feed, 3).shown, [5, 4, 3]);
});

Deno.test("visibleRows covers the view and never more rows than there are", () => {
  const view = { height: 400, rowHeight: 40 };
  assert.deepEqual(visibleRows({ ...view, scrollTop: 0, count: 5 }), { from: 0, to: 5 });
  assert.deepEqual(visibleRows({ ...view, scrollTop: 4_000, count: 2_000 }), { from: 94, to: 116 });
  assert.deepEqual(visibleRows({ ...view, scrollTop: 4_000, count: 0 }), { from: 0, to: 0 });
});

Deno.test("A lane that a person must mend is red, one that mends itself is yellow", () => {
  const error = { at: "", status: 500, code: null, message: "status 500" };
  const lane = (fields: Partial<LaneStatus>) =>
    laneHealth({ rows_waiting: 0, rows_rejected: 0, last_error: null, ...fields } as LaneStatus)
      .tone;
  assert.equal(lane({ state: "failed", last_error: { ...error, advice: "sign in" } }), "bad");
  assert.equal(lane({ state: "failed", last_error: { ...error, advice: null } }), "warn");
  assert.equal(lane({ state: "disconnected" }), "warn");
  assert.equal(lane({ state: "connected", rows_rejected: 1 }), "warn");
  assert.equal(lane({ state: "connected" }), "good");
  assert.equal(lane({ state: "disabled" }), "idle");
});

Deno.test("readingWords says how far a reading is, also where the cloud does not say how much there is", () => {
  const reading = { table: "tasks", rows: 3_000, total: 30_000, tables_done: 1, tables: 3 };
  const words = readingWords(reading);
  assert.match(words, /^Reading tasks from the cloud: 3.000 of about 30.000 \(table 2 of 3\)$/);
  assert.match(readingWords({ ...reading, total: null }), /: 3.000 \(table 2 of 3\)$/);
});

Deno.test("Durations and times read as people say them", () => {
  assert.deepEqual(
    [0, 0.5, 1, 59.99999999, 60, 61, 1_500].map(duration),
    ["0 secs", "30 secs", "1 min", "1 hr", "1 hr", "1 hr 1 min", "25 hrs"],
  );
  assert.equal(relative(NOON - 90_000, NOON), "1 minute ago");
  assert.equal(relative(NOON, NOON), "now");
  assert.match(stamp(NOON, "UTC", NOON - 1), /12:00:00/);
  assert.match(stamp(NOON, "UTC", NOON + 1), /2.*12:00|12:00.*2/);
  assert.match(stamp(NOON, "UTC", NOON - 86_400_000), /2.*12:00|12:00.*2/, "tomorrow");
  assert.match(stamp(Date.UTC(2099, 0, 1), "UTC", NOON), /2099/);
});

Deno.test("daysCsv writes what a spreadsheet takes", () => {
  const day = {
    date_utc: "2026-03-02",
    time_zone: 'a "zone", made up',
    minutes_used: 1.5,
    allowance_min: 60,
    minutes_overdraft: 0,
  };
  assert.equal(
    daysCsv([day]).split("\r\n")[1],
    '2026-03-02,"a ""zone"", made up",1.5,60,0',
  );
});
