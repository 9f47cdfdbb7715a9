import assert from "node:assert/strict";
import { Seldom } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("Seldom says a thing once, and later how often it happened meanwhile", async () => {
  const clock = new FakeClock();
  const seldom = new Seldom({ intervalMs: 60_000, clock });
  const said: string[] = [];
  const happen = (thing: string) => seldom.say(thing, (more) => said.push(`${thing}${more}`));
  for (let n = 0; n < 1_000; n++) happen("refused");
  happen("turned away");
  assert.deepEqual(said, ["refused", "turned away"]);
  await clock.sleep(60_000);
  happen("refused");
  happen("turned away");
  assert.deepEqual(said.slice(2), ["refused (999 more since)", "turned away"]);
});

Deno.test("Seldom says a thing as often as it is told to before it counts", async () => {
  const clock = new FakeClock();
  const seldom = new Seldom({ intervalMs: 60_000, burst: 2, clock });
  const said: string[] = [];
  for (let n = 0; n < 5; n++) seldom.say("flaps", (more) => said.push(more));
  await clock.sleep(60_000);
  for (let n = 0; n < 3; n++) seldom.say("flaps", (more) => said.push(more));
  assert.deepEqual(said, ["", "", " (3 more since)", ""]);
});
