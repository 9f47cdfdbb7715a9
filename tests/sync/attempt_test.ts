import assert from "node:assert/strict";
import { RemoteError } from "../../src/core/mod.ts";
import { attempt } from "../../src/sync/attempt.ts";
import { FakeClock } from "../support/fake_clock.ts";

const never = () => new Promise<never>(() => {});

Deno.test("attempt hands on what the call returns, and leaves no timer behind", async () => {
  const { clock, options } = setUp();
  assert.equal(await attempt(() => Promise.resolve(7), options), 7);
  assert.equal(clock.sleepers, 0);
});

Deno.test("attempt hands on what the call throws", async () => {
  const { options } = setUp();
  const error = new RemoteError("no", { status: 500 });
  await assert.rejects(attempt(() => Promise.reject(error), options), error);
});

Deno.test("attempt ends a call that has no end, and aborts its signal", async () => {
  const { clock, options } = setUp();
  let signal: AbortSignal | undefined;
  const ended = assert.rejects(
    attempt((given) => {
      signal = given;
      return never();
    }, options),
    { name: "RemoteError", code: "timeout" },
  );
  await clock.advance(10_000);
  await ended;
  assert.equal(signal?.aborted, true);
});

Deno.test("attempt says timeout whatever words the call has for its abort", async () => {
  const { clock, options } = setUp();
  const ended = assert.rejects(
    attempt(
      (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new TypeError("terminated")))
        ),
      options,
    ),
    { code: "timeout" },
  );
  await clock.advance(10_000);
  await ended;
});

Deno.test("attempt gives a call a moment to end when the agent stops", async () => {
  const { clock, stop, options } = setUp();
  const answer = Promise.withResolvers<string>();
  const call = attempt(() => answer.promise, options);
  stop.abort();
  await clock.advance(1_400);
  answer.resolve("in time");
  assert.equal(await call, "in time");
});

Deno.test("attempt aborts a call that does not end soon after the stop", async () => {
  const { clock, stop, options } = setUp();
  const ended = assert.rejects(attempt(never, options), /the agent stops/);
  stop.abort();
  await clock.advance(1_500);
  await ended;
});

Deno.test("attempt gives a call after the stop its moment too", async () => {
  const { clock, stop, options } = setUp();
  stop.abort();
  const ended = assert.rejects(attempt(never, options), /the agent stops/);
  await clock.advance(1_500);
  await ended;
});

function setUp() {
  const clock = new FakeClock();
  const stop = new AbortController();
  return {
    clock,
    stop,
    options: { clock, timeoutMs: 10_000, stop: stop.signal, graceMs: 1_500 },
  };
}
