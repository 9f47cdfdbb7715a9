import assert from "node:assert/strict";
import { DELAY_BUCKETS_MS, LoopDelay } from "../../src/api/loop_delay.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("LoopDelay counts timers by how late they fire", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const delay = new LoopDelay({ clock });
  const running = delay.run(stop.signal);
  await clock.advance(5_000);
  assert.deepEqual(delay.histogram().count, 5);
  assert.equal(delay.maxMs, 0);

  await clock.sleep(1_030);
  assert.equal(delay.maxMs, 30);
  const { cumulated, count, sumMs } = delay.histogram();
  assert.deepEqual([count, sumMs], [6, 30]);
  assert.deepEqual(
    cumulated,
    DELAY_BUCKETS_MS.map((bound) => bound < 30 ? 5 : 6),
  );
  stop.abort();
  await running;
});

Deno.test("LoopDelay takes the machine's sleep for no delay", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const delay = new LoopDelay({ clock });
  const running = delay.run(stop.signal);
  await clock.sleep(3_600_000);
  await clock.advance(1_000);
  assert.equal(delay.maxMs, 0);
  stop.abort();
  await running;
});

Deno.test("LoopDelay forgets a maximum after a minute or two", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const delay = new LoopDelay({ clock });
  const running = delay.run(stop.signal);
  await clock.sleep(1_500);
  assert.equal(delay.maxMs, 500);
  // Asleep, which passes the time without the ticks.
  await clock.sleep(60_000);
  assert.equal(delay.maxMs, 500);
  await clock.sleep(61_000);
  assert.equal(delay.maxMs, 0);
  stop.abort();
  await running;
});
