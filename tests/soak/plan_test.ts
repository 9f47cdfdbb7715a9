/** That a plan has in it what a soak is to show. */
import assert from "node:assert/strict";
import { LINKS, makePlan, nameOf } from "./plan.ts";

const HALF_AN_HOUR_MS = 30 * 60_000;

/** What a network does to any link, */
const NETWORK = [
  "half-open",
  "latency",
  "loss",
  "one-way down",
  "one-way up",
  "refuse",
  "reset",
  "reset-after-apply",
  "trickle",
];
/** gateways to those that speak HTTP, and servers to those that are ours. */
const GATEWAY = [
  "portal 200",
  "portal 511",
  "redirect 301",
  "redirect 302",
  "redirect 307",
  "redirect 308",
  "status 4xx",
  "status 5xx",
];
const SERVER = ["server: duplicate", "server: half-written", "server: slow"];
const EXPECTED = {
  devices: NETWORK,
  supabase: [...NETWORK, ...GATEWAY],
  events: [...NETWORK, ...GATEWAY, ...SERVER],
  punches: [...NETWORK, ...GATEWAY, ...SERVER],
};

Deno.test("makePlan breaks every link in every way, and lets it be well in between", () => {
  const { changes } = makePlan({ seed: 1, ms: HALF_AN_HOUR_MS });
  for (const link of LINKS) {
    const faults = changes.filter((change) => change.link === link).map(({ fault }) => fault);
    const kinds = faults.map(nameOf);
    assert.deepEqual([...new Set(kinds)].sort(), ["clear", ...EXPECTED[link]].sort(), link);
    assert.ok(kinds.every((kind, index) => (kind === "clear") === (index % 2 === 1)), link);
  }
});

Deno.test("makePlan kills at moments of every kind, and asks some lives to end", () => {
  const { lives } = makePlan({ seed: 1, ms: HALF_AN_HOUR_MS });
  const killed = lives.filter(({ end }) => end === "SIGKILL");
  assert.ok(killed.length < lives.length && killed.length > lives.length / 2, `${killed.length}`);
  assert.ok(killed.some(({ runMs }) => runMs < 2_000), "one that has hardly begun");
  assert.ok(killed.some(({ runMs }) => runMs > 60_000), "one that has settled");
  assert.ok(lives.reduce((sum, { runMs }) => sum + runMs, 0) >= HALF_AN_HOUR_MS);
});

Deno.test("makePlan sets the clock ahead and back by hours and by days, and right in between", () => {
  // Also in the shortest soak.
  const { clock } = makePlan({ seed: 1, ms: 2 * 60_000 });
  const hours = clock.map(({ offsetSec }) => offsetSec / 3_600);
  for (
    const [what, isOne] of Object.entries<(hour: number) => boolean>({
      "hours ahead": (hour) => hour > 0 && hour < 24,
      "hours behind": (hour) => hour < 0 && hour > -24,
      "days ahead": (hour) => hour >= 24,
      "days behind": (hour) => hour <= -24,
      right: (hour) => hour === 0,
    })
  ) assert.ok(hours.some(isOne), what);
  assert.ok(hours.every((hour) => Math.abs(hour) <= 40 * 24));
});

Deno.test("makePlan gives the same again for the same seed, and another for another", () => {
  const plan = (seed: number) => makePlan({ seed, ms: HALF_AN_HOUR_MS });
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual(plan(7), plan(8));
});
