import assert from "node:assert/strict";
import { DEFAULT_LIMITS, Turnstile } from "../../../src/streams/attendance/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function turnstile(limits = {}): { turnstile: Turnstile; clock: FakeClock } {
  const clock = new FakeClock();
  return { turnstile: new Turnstile({ ...DEFAULT_LIMITS, ...limits }, { clock }), clock };
}

Deno.test("Turnstile lets so many in from one address, and so many at all", () => {
  const { turnstile: gate } = turnstile({ connections: 3, connectionsPerAddress: 2 });
  assert.deepEqual(["a", "a", "a", "b", "b"].map((address) => gate.enter(address)), [
    true,
    true,
    false,
    true,
    false,
  ]);
  gate.leave("a");
  assert(gate.enter("b"));
});

Deno.test("Turnstile makes whoever is too fast wait, and forgives with time", async () => {
  const { turnstile: gate, clock } = turnstile({ messagesPerSecond: 10 });
  gate.enter("a");
  const delays = Array.from({ length: 23 }, () => gate.delay("a"));
  assert.deepEqual(delays.slice(0, 20), Array(20).fill(0));
  assert.deepEqual(delays.slice(20), [100, 200, 300]);
  gate.enter("b");
  assert.equal(gate.delay("b"), 0, "another address does not wait");
  await clock.sleep(10_000);
  assert.equal(gate.delay("a"), 0);
});

Deno.test("Turnstile bounds what unfinished messages hold together", () => {
  const { turnstile: gate } = turnstile({ heldBytes: 100 });
  assert(gate.hold(60));
  assert(!gate.hold(60));
  assert(gate.hold(-60));
});
