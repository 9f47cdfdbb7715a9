import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs, jitteredMs } from "../../src/sync/backoff.ts";

const most = () => 0.999999999;
const least = () => 0;
const HOUR_MS = 60 * 60_000;

Deno.test("backoffMs doubles from one second to at most five minutes", () => {
  const waits = [1, 2, 3, 4, 5, 9, 10, 11, 10_000].map((n) => backoffMs(n, { random: most }));
  assert.deepEqual(waits, [
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    256_000,
    300_000,
    300_000,
    300_000,
  ]);
});

Deno.test("backoffMs takes any part of the wait (full jitter)", () => {
  assert.equal(backoffMs(4, { random: least }), 0);
  assert.equal(backoffMs(4, { random: () => 0.5 }), 4_000);
});

Deno.test("backoffMs never waits less than Retry-After, and up to a tenth longer", () => {
  assert.equal(backoffMs(1, { random: least, retryAfterMs: 30_000 }), 30_000);
  assert.equal(backoffMs(1, { random: most, retryAfterMs: 30_000 }), 33_000);
  assert.equal(backoffMs(10, { random: most, retryAfterMs: 30_000 }), 300_000);
});

Deno.test("backoffMs takes a Retry-After of years for a mistake", () => {
  assert.equal(backoffMs(1, { random: least, retryAfterMs: 1e15 }), HOUR_MS);
  assert.equal(backoffMs(1, { random: least, retryAfterMs: Infinity }), HOUR_MS);
});

Deno.test("backoffMs is a finite wait between the floor and the cap for whatever it is given", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.option(fc.double({ min: -1e9, max: 1e18, noNaN: true }), { nil: undefined }),
      (failures, part, retryAfterMs) => {
        const wait = backoffMs(failures, { random: () => part, retryAfterMs });
        const floor = Math.min(HOUR_MS, Math.max(0, retryAfterMs ?? 0));
        assert.ok(Number.isFinite(wait));
        assert.ok(wait >= Math.floor(floor));
        assert.ok(wait <= Math.max(300_000, floor * 1.1 + 1));
      },
    ),
  );
});

Deno.test("jitteredMs stays within a tenth", () => {
  assert.equal(jitteredMs(300_000, least), 270_000);
  assert.equal(jitteredMs(300_000, most), 330_000);
});
