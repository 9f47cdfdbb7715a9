import assert from "node:assert/strict";
import { every, Notifier } from "../../../src/core/mod.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";

function loop(
  interval: number | (() => number),
  options: { later?: boolean; wake?: Notifier } = {},
) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const ran: number[] = [];
  const errors: unknown[] = [];
  const start = (task: () => void | Promise<void> = () => {}) =>
    every(interval, () => {
      ran.push(clock.monotonic());
      return task();
    }, {
      signal: stop.signal,
      name: "test",
      clock,
      onError: (error) => errors.push(error),
      ...options,
    });
  return { clock, stop, ran, errors, start };
}

Deno.test("every runs at once and then on the grid", async () => {
  const { clock, stop, ran, start } = loop(5_000);
  const ended = start();
  await clock.advance(15_000);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 5_000, 10_000, 15_000]);
});

Deno.test("every with later waits one interval first", async () => {
  const { clock, stop, ran, start } = loop(5_000, { later: true });
  const ended = start();
  await clock.advance(10_000);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [5_000, 10_000]);
});

Deno.test("every does not drift when its task takes time", async () => {
  const { clock, stop, ran, start } = loop(5_000);
  const ended = start(() => clock.wait(1_200));
  await clock.advance(16_200);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 5_000, 10_000, 15_000]);
});

Deno.test("every skips the ticks that pass while the machine sleeps", async () => {
  const { clock, stop, ran, start } = loop(5_000);
  const ended = start();
  await clock.advance(5_000);
  await clock.sleep(3_601_000);
  await clock.advance(10_000);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 5_000, 3_606_000, 3_610_000, 3_615_000]);
});

Deno.test("every does not run twice for a timer that fires a fraction early", async () => {
  const clock = new FakeClock();
  const early = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    wait: (ms: number, options?: { signal?: AbortSignal }) => clock.wait(ms - 0.4, options),
  };
  const stop = new AbortController();
  const ran: number[] = [];
  const ended = every(1_000, () => void ran.push(clock.monotonic()), {
    signal: stop.signal,
    name: "test",
    clock: early,
  });
  await clock.advance(3_500);
  stop.abort();
  await ended;
  assert.equal(ran.length, 4);
});

Deno.test("every is woken early by its notifier and keeps its grid", async () => {
  const wake = new Notifier();
  const { clock, stop, ran, start } = loop(5_000, { wake });
  const ended = start();
  await clock.advance(2_000);
  wake.notify();
  await settled();
  await clock.advance(3_000);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 2_000, 5_000]);
});

Deno.test("every keeps a ring that comes while its task runs", async () => {
  const wake = new Notifier();
  const { clock, stop, ran, start } = loop(5_000, { wake });
  const ended = start(async () => {
    if (ran.length === 1) wake.notify();
    await clock.wait(10);
  });
  await clock.advance(100);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 10]);
});

Deno.test("every takes up a changed interval after the next run", async () => {
  let step = 1_000;
  const { clock, stop, ran, start } = loop(() => step);
  const ended = start();
  await clock.advance(1_500);
  step = 4_000;
  await clock.advance(8_500);
  stop.abort();
  await ended;
  assert.deepEqual(ran, [0, 1_000, 2_000, 6_000, 10_000]);
});

Deno.test("every goes on after its task throws", async () => {
  const { clock, stop, ran, errors, start } = loop(1_000);
  const failure = new Error("no");
  const ended = start(() => {
    throw failure;
  });
  await clock.advance(2_000);
  stop.abort();
  await ended;
  assert.equal(ran.length, 3);
  assert.deepEqual(errors, [failure, failure, failure]);
});

Deno.test("every ends when its signal aborts, and leaves no timer", async () => {
  const { clock, stop, start } = loop(1_000);
  const ended = start();
  await clock.advance(1_500);
  stop.abort();
  await ended;
  assert.equal(clock.sleepers, 0);
});
