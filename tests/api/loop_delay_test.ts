import assert from "node:assert/strict";
import { DELAY_BUCKETS_MS, LoopDelay } from "../../src/api/loop_delay.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

interface Running extends AsyncDisposable {
  clock: FakeClock;
  delay: LoopDelay;
}

function running(): Running {
  const clock = new FakeClock();
  const stop = new AbortController();
  const delay = new LoopDelay({ clock });
  const ended = delay.run(stop.signal);
  return {
    clock,
    delay,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await clock.advance(2);
      assert.equal(clock.sleepers, 0, "it still waits");
    },
  };
}

Deno.test("LoopDelay counts timers by how late they fire", async () => {
  await using measured = running();
  const { clock, delay } = measured;
  await clock.advance(10_000);
  assert.deepEqual(delay.histogram().count, 5);
  assert.equal(delay.maxMs, 0);

  await clock.sleep(2_030);
  assert.equal(delay.maxMs, 30);
  const { cumulated, count, sumMs } = delay.histogram();
  assert.deepEqual([count, sumMs], [6, 30]);
  assert.deepEqual(
    cumulated,
    DELAY_BUCKETS_MS.map((bound) => bound < 30 ? 5 : 6),
  );
});

Deno.test("LoopDelay sees what a piece of work holds, whenever it comes", async () => {
  await using measured = running();
  const { clock, delay } = measured;
  await clock.advance(1_000);
  delay.working();
  // The work itself: nothing else runs meanwhile.
  await clock.sleep(42);
  assert.equal(delay.maxMs, 40);
});

Deno.test("LoopDelay looks closely for as long as there is work, and seldom afterwards", async () => {
  await using measured = running();
  const { clock, delay } = measured;
  for (let ms = 0; ms < 100; ms += 2) {
    delay.working();
    await clock.advance(2);
  }
  const busy = delay.histogram().count;
  assert.equal(busy, 50);
  await clock.advance(60_000);
  // 20 and 200 ms later, then every two seconds.
  assert.equal(delay.histogram().count - busy, 2 + 30);
});

Deno.test("LoopDelay takes the machine's sleep for no delay", async () => {
  await using measured = running();
  const { clock, delay } = measured;
  delay.working();
  await clock.sleep(3_600_000);
  await clock.advance(2_000);
  assert.equal(delay.maxMs, 0);
});

Deno.test("LoopDelay forgets a maximum after a minute or two", async () => {
  await using measured = running();
  const { clock, delay } = measured;
  await clock.sleep(2_500);
  assert.equal(delay.maxMs, 500);
  // Asleep, which passes the time without the ticks.
  await clock.sleep(60_000);
  assert.equal(delay.maxMs, 500);
  await clock.sleep(62_000);
  assert.equal(delay.maxMs, 0);
});

Deno.test("LoopDelay measures nothing that nobody runs", async () => {
  const clock = new FakeClock();
  const delay = new LoopDelay({ clock });
  delay.working();
  await clock.advance(10_000);
  assert.deepEqual([clock.sleepers, delay.histogram().count], [0, 0]);
});
