import assert from "node:assert/strict";
import {
  addHeartbeat,
  clipSpans,
  joinSpans,
  type PlaySpan,
  sessionsOf,
} from "../../../src/dashboard/model/spans.ts";

function span(from: number, to: number, playing = true): PlaySpan {
  return { from, to, playing };
}

Deno.test("joinSpans makes one of two that meet, up to the end of the second", () => {
  assert.deepEqual(joinSpans([span(0, 10), span(20, 30)], [span(30, 70), span(90, 99)]), [
    span(0, 10),
    span(20, 70),
    span(90, 99),
  ]);
});

Deno.test("joinSpans leaves apart play and pause, and what is seconds apart", () => {
  const apart = [
    [span(0, 10), span(10, 20, false)],
    [span(0, 10_000), span(12_501, 20_000)],
  ] as const;
  for (const [older, newer] of apart) {
    assert.deepEqual(joinSpans([older], [newer]), [older, newer]);
  }
});

Deno.test("clipSpans leaves out what only touches the edge of the day", () => {
  assert.deepEqual(
    clipSpans([span(0, 100), span(90, 110), span(199, 220), span(200, 300)], 100, 200),
    [
      span(100, 110),
      span(199, 200),
    ],
  );
});

Deno.test("sessionsOf ends a session by a pause of exactly the limit", () => {
  const minute = 60_000;
  assert.equal(sessionsOf([span(0, minute), span(3 * minute, 4 * minute)]).length, 2);
  assert.deepEqual(sessionsOf([span(0, minute), span(3 * minute - 1, 4 * minute)]), [
    span(0, 4 * minute),
  ]);
});

Deno.test("addHeartbeat ignores one from before the last span", () => {
  const spans = [span(10_000, 15_000)];
  addHeartbeat(spans, {
    timestamp_utc: new Date(5_000).toISOString(),
    is_playing: false,
    poll_interval_sec: 5,
  });
  assert.deepEqual(spans, [span(10_000, 15_000)]);
});
