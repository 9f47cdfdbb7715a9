import assert from "node:assert/strict";
import { LogThrottle } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

Deno.test("LogThrottle writes a line once, and later how often it was dropped", async () => {
  const clock = new FakeClock();
  const logThrottle = new LogThrottle({ intervalMs: 60_000, clock });
  const said: string[] = [];
  const happen = (thing: string) => logThrottle.log(thing, (more) => said.push(`${thing}${more}`));
  for (let n = 0; n < 1_000; n++) happen("refused");
  happen("turned away");
  assert.deepEqual(said, ["refused", "turned away"]);
  await clock.sleep(60_000);
  happen("refused");
  happen("turned away");
  assert.deepEqual(said.slice(2), ["refused (999 more since)", "turned away"]);
});

Deno.test("LogThrottle writes up to `burst` lines before it counts", async () => {
  const clock = new FakeClock();
  const logThrottle = new LogThrottle({ intervalMs: 60_000, burst: 2, clock });
  const said: string[] = [];
  for (let n = 0; n < 5; n++) logThrottle.log("flaps", (more) => said.push(more));
  await clock.sleep(60_000);
  for (let n = 0; n < 3; n++) logThrottle.log("flaps", (more) => said.push(more));
  assert.deepEqual(said, ["", "", " (3 more since)", ""]);
});
