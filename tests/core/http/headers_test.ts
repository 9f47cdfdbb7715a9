import assert from "node:assert/strict";
import { clockOffsetMs, retryAfterMs } from "../../../src/core/mod.ts";

const NOW = Date.parse("2026-03-02T12:00:00.000Z");

const waits: readonly (readonly [string, HeadersInit, number | undefined])[] = [
  ["seconds", { "retry-after": "120" }, 120_000],
  ["zero seconds", { "retry-after": "0" }, 0],
  ["a fraction of a second", { "retry-after": " 1.5 " }, 1_500],
  ["a date", { "retry-after": "Mon, 02 Mar 2026 12:00:30 GMT" }, 30_000],
  ["a date that has passed", { "retry-after": "Mon, 02 Mar 2026 11:00:00 GMT" }, 0],
  ["a date of a server whose clock is an hour ahead", {
    "retry-after": "Mon, 02 Mar 2026 13:00:30 GMT",
    date: "Mon, 02 Mar 2026 13:00:00 GMT",
  }, 30_000],
  ["no header", {}, undefined],
  ["nonsense", { "retry-after": "soon" }, undefined],
  ["a negative number", { "retry-after": "-5" }, undefined],
];

for (const [what, headers, expected] of waits) {
  Deno.test(`retryAfterMs reads ${what}`, () => {
    assert.equal(retryAfterMs(new Headers(headers), NOW), expected);
  });
}

Deno.test("clockOffsetMs takes half of the way off and half a second for the cut", () => {
  const headers = new Headers({ date: "Mon, 02 Mar 2026 12:05:00 GMT" });
  assert.equal(clockOffsetMs(headers, { sentAt: NOW, receivedAt: NOW + 1_000 }), 300_000);
});

Deno.test("clockOffsetMs is null without a date", () => {
  assert.equal(clockOffsetMs(new Headers(), { sentAt: NOW, receivedAt: NOW }), null);
  assert.equal(clockOffsetMs(new Headers({ date: "x" }), { sentAt: NOW, receivedAt: NOW }), null);
});
