import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type DirectedPunch,
  insideSince,
  type Stay,
  staysOf,
} from "../../../../src/streams/attendance/sheets/stays.ts";

const MINUTE_MS = 60_000;
const LIMIT = { maxStayMs: 16 * 60 * MINUTE_MS };

/** `in 9:00` → an entry at nine; hours may go beyond 24. */
function punches(...written: string[]): DirectedPunch[] {
  return written.map((text) => {
    const [direction, time] = text.split(" ");
    const [hour, minute, second = "0"] = time!.split(":");
    const atMs = ((+hour! * 60 + +minute!) * 60 + +second) * 1_000;
    return { direction: direction as "in" | "out", atMs };
  });
}

function written(stays: readonly Stay<DirectedPunch>[]): string[] {
  const time = (punch: DirectedPunch | null) => {
    if (!punch) return "?";
    const minutes = Math.floor(punch.atMs / MINUTE_MS);
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  };
  return stays.map((stay) => `${time(stay.in)}-${time(stay.out)}`);
}

const stays = (...given: string[]) => written(staysOf(punches(...given), LIMIT));

Deno.test("staysOf pairs entries with exits, over midnight too", () => {
  assert.deepEqual(stays("in 9:00", "out 12:00", "in 13:00", "out 17:30"), [
    "9:00-12:00",
    "13:00-17:30",
  ]);
  assert.deepEqual(stays("in 22:00", "out 30:05"), ["22:00-30:05"]);
});

Deno.test("staysOf: an entry after an entry ends the former without an exit", () => {
  assert.deepEqual(stays("in 9:00", "in 33:00", "out 41:00"), ["9:00-?", "33:00-41:00"]);
});

Deno.test("staysOf: an exit nobody entered for has no entry", () => {
  assert.deepEqual(stays("out 17:00", "in 33:00"), ["?-17:00", "33:00-?"]);
  assert.deepEqual(stays("in 9:00", "out 25:01"), ["9:00-?", "?-25:01"], "too long for a stay");
});

Deno.test("staysOf: second taps within a minute count once, with the first", () => {
  assert.deepEqual(stays("in 9:00", "in 9:00:40", "in 9:01:30", "out 17:00", "out 17:01"), [
    "9:00-17:00",
  ]);
  assert.deepEqual(stays("in 9:00", "out 9:00:30"), ["9:00-9:00"], "in and out are two");
});

Deno.test("insideSince is the first tap of the last entry, until the longest stay is over", () => {
  const begun = staysOf(punches("in 9:00", "out 12:00", "in 13:00", "in 13:00:30"), LIMIT);
  const at = (hour: number) => insideSince(begun, { nowMs: hour * 60 * MINUTE_MS, ...LIMIT });
  assert.equal(at(14)?.atMs, 13 * 60 * MINUTE_MS);
  assert.equal(at(29)?.atMs, 13 * 60 * MINUTE_MS);
  assert.equal(at(29.1), undefined);
  assert.equal(insideSince(staysOf(punches("out 9:00"), LIMIT), { nowMs: 0, ...LIMIT }), undefined);
  assert.equal(insideSince([], { nowMs: 0, ...LIMIT }), undefined);
});

Deno.test("staysOf: stays follow each other, none is too long, and every punch is in one or repeats", () => {
  const punch = fc.record({
    gapSec: fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 30 * 3_600 })),
    direction: fc.constantFrom("in" as const, "out" as const),
  });
  fc.assert(fc.property(fc.array(punch), (gaps) => {
    let atMs = 0;
    const given = gaps.map(({ gapSec, direction }) => ({
      atMs: atMs += gapSec * 1_000,
      direction,
    }));
    const found = staysOf(given, LIMIT);
    const used = found.flatMap((stay) => [stay.in, stay.out]).filter((punch) => punch !== null);
    assert.deepEqual(used, used.toSorted((a, b) => a.atMs - b.atMs));
    assert.equal(new Set(used).size, used.length);
    for (const stay of found) {
      assert.ok(stay.in === null || stay.in.direction === "in");
      assert.ok(stay.out === null || stay.out.direction === "out");
      if (stay.in && stay.out) assert.ok(stay.out.atMs - stay.in.atMs <= LIMIT.maxStayMs);
    }
    given.forEach((punch, at) => {
      const before = given[at - 1];
      const repeats = before !== undefined && before.direction === punch.direction &&
        punch.atMs - before.atMs <= MINUTE_MS;
      assert.equal(used.includes(punch), !repeats);
    });
  }));
});
