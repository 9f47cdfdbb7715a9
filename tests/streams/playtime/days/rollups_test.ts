import assert from "node:assert/strict";
import type { Heartbeat } from "../../../../src/contract/playtime.ts";
import { allowanceOn, overdraft } from "../../../../src/streams/playtime/days/allowance.ts";
import { grownRollup, type Rollup } from "../../../../src/streams/playtime/days/rollups.ts";

function heartbeat(change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    id: "h",
    device_id: "pc-1",
    timestamp_utc: "2026-03-02T12:00:00.000Z",
    is_playing: true,
    poll_interval_sec: 5,
    process_name: "Minecraft.exe",
    ...change,
  };
}

function grow(count: number, change: Partial<Heartbeat> = {}, allowanceMin = 0): Rollup {
  let rollup: Rollup | undefined;
  for (let n = 0; n < count; n++) {
    rollup = grownRollup(rollup, heartbeat(change), { allowanceMin, grantedMs: 0 });
  }
  return rollup!;
}

Deno.test("grownRollup adds an interval's minutes, which add up without rounding errors", () => {
  assert.equal(grow(1).minutes_used, 5 / 60);
  assert.equal(grow(12).minutes_used, 1);
  assert.equal(grow(720).minutes_used, 60);
  assert.equal(grow(3, { poll_interval_sec: 7 }).minutes_used, 21 / 60);
});

Deno.test("grownRollup adds nothing while the game does not run", () => {
  const rollup = grow(12, { is_playing: false });
  assert.equal(rollup.minutes_used, 0);
  assert.equal(rollup.last_heartbeat_at, "2026-03-02T12:00:00.000Z");
});

Deno.test("grownRollup counts what goes beyond the allowance", () => {
  assert.equal(grow(12, {}, 2).minutes_overdraft, 0);
  assert.equal(grow(36, {}, 2).minutes_overdraft, 1);
  assert.equal(grow(12).minutes_overdraft, 1);
});

Deno.test("grownRollup gives a day no more minutes than it has", () => {
  assert.equal(grow(25, { poll_interval_sec: 3_600 }).minutes_used, 1_440);
});

Deno.test("grownRollup remembers the latest heartbeat, also when the clock was set back", () => {
  const later = grownRollup(undefined, heartbeat({ timestamp_utc: "2026-03-02T13:00:00.000Z" }), {
    allowanceMin: 0,
    grantedMs: 0,
  });
  assert.equal(
    grownRollup(later, heartbeat(), { allowanceMin: 0, grantedMs: 0 }).last_heartbeat_at,
    "2026-03-02T13:00:00.000Z",
  );
});

Deno.test("allowanceOn knows the weekday", () => {
  const week = { mon: 30, sat: 120, sun: 180 };
  assert.equal(allowanceOn(week, "2026-03-02"), 30);
  assert.equal(allowanceOn(week, "2026-03-03"), 0);
  assert.equal(allowanceOn(week, "2026-03-07"), 120);
  assert.equal(allowanceOn(week, "2026-03-08"), 180);
  assert.equal(allowanceOn(45, "2026-03-03"), 45);
  assert.equal(allowanceOn(null, "2026-03-03"), null);
});

Deno.test("overdraft is never negative", () => {
  const minute = 60_000;
  const over = (used: number, allowanceMin: number | null, granted = 0) =>
    overdraft(used * minute, { allowanceMin, grantedMs: granted * minute });
  assert.equal(over(10, 60), 0);
  assert.equal(over(60, 10), 50);
  assert.equal(over(60, 10, 30), 20);
  assert.equal(over(60, 10, -5), 55);
  assert.equal(over(60, null, -5), 0);
});
