import assert from "node:assert/strict";
import { Deadline } from "../../../src/core/mod.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";

const never = () => new Promise<never>(() => {});

Deno.test("Deadline.limit returns what the work returns, and leaves no timer or listener behind", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let deadline: Deadline;
  {
    using each = new Deadline({ ms: 10_000, signal: stop.signal, graceMs: 1_500, clock });
    deadline = each;
    assert.equal(await each.limit(Promise.resolve(7)), 7);
  }
  assert.equal(clock.sleepers, 0);
  stop.abort();
  await clock.advance(20_000);
  assert.equal(deadline.signal.aborted, false);
});

Deno.test("Deadline.limit rejects with what the work throws", async () => {
  using deadline = new Deadline({ ms: 10_000, clock: new FakeClock() });
  const error = new Error("no");
  await assert.rejects(deadline.limit(Promise.reject(error)), error);
  await assert.rejects(deadline.met(Promise.reject(error)), error);
});

Deno.test("Deadline ends work that has no end, and aborts its signal", async () => {
  const clock = new FakeClock();
  using deadline = new Deadline({ ms: 10_000, clock });
  const ended = assert.rejects(deadline.limit(never()), {
    name: "TimeoutError",
    message: "no answer within 10 s",
  });
  await clock.advance(9_999);
  assert.equal(deadline.signal.aborted, false);
  await clock.advance(1);
  await ended;
  assert.equal(deadline.signal.reason.name, "TimeoutError");
});

Deno.test("Deadline has the message it is given", async () => {
  const clock = new FakeClock();
  using deadline = new Deadline({ ms: 1, message: "too late", clock });
  const ended = assert.rejects(deadline.limit(never()), { message: "too late" });
  await clock.advance(1);
  await ended;
});

Deno.test("Deadline rejects with its own error, whatever the work throws at the abort", async () => {
  const clock = new FakeClock();
  using deadline = new Deadline({ ms: 10_000, clock });
  const work = new Promise<never>((_, reject) =>
    deadline.signal.addEventListener("abort", () => reject(new TypeError("terminated")))
  );
  const ended = assert.rejects(deadline.limit(work), { name: "TimeoutError" });
  await clock.advance(10_000);
  await ended;
});

Deno.test("Deadline.met says whether the work ended in time", async () => {
  const clock = new FakeClock();
  using deadline = new Deadline({ ms: 10_000, clock });
  assert.equal(await deadline.met(Promise.resolve()), true);
  const met = deadline.met(never());
  await clock.advance(10_000);
  assert.equal(await met, false);
});

Deno.test("Deadline ends the wait at once when its signal aborts", async () => {
  const stop = new AbortController();
  using deadline = new Deadline({ signal: stop.signal });
  const ended = assert.rejects(deadline.limit(never()), { message: "the end" });
  stop.abort(new Error("the end"));
  await ended;
  using late = new Deadline({ signal: stop.signal });
  assert.equal(await late.met(never()), false);
  assert.equal(late.signal.reason, stop.signal.reason);
});

for (const when of ["before", "after"] as const) {
  Deno.test(`Deadline leaves the work its grace when the signal aborts ${when} the start`, async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    if (when === "before") stop.abort();
    using deadline = new Deadline({ ms: 10_000, signal: stop.signal, graceMs: 1_500, clock });
    stop.abort();
    const answer = Promise.withResolvers<string>();
    const limited = deadline.limit(answer.promise);
    const unending = deadline.met(never());
    await clock.advance(1_499);
    assert.equal(deadline.signal.aborted, false);
    answer.resolve("in time");
    assert.equal(await limited, "in time");
    await clock.advance(1);
    assert.equal(await unending, false);
  });
}

Deno.test("Deadline ignores what abandoned work throws", async () => {
  // The test runner fails on a rejection that nobody handles.
  const clock = new FakeClock();
  const work = Promise.withResolvers<never>();
  {
    using deadline = new Deadline({ ms: 1, clock });
    const met = deadline.met(work.promise);
    await clock.advance(1);
    assert.equal(await met, false);
    using unused = new Deadline({ ms: 1, clock });
    await clock.advance(1);
    assert.equal(unused.signal.aborted, true);
  }
  work.reject(new Error("much later"));
  await settled();
});
