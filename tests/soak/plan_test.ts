/** That a plan has in it what a soak is to show. */
import assert from "node:assert/strict";
import { LINKS, makePlan } from "./plan.ts";

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
const GATEWAY = ["status 4xx", "status 5xx"];
const SERVER = ["server duplicate", "server half-written", "server slow"];
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
    const kinds = faults.map((fault) => {
      if (fault.kind === "server") return `server ${fault.fault.kind}`;
      if (fault.kind === "one-way") return `one-way ${fault.passes}`;
      return fault.kind === "status" ? `status ${fault.status.toString()[0]}xx` : fault.kind;
    });
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

Deno.test("makePlan gives the same again for the same seed, and another for another", () => {
  const plan = (seed: number) => makePlan({ seed, ms: HALF_AN_HOUR_MS });
  assert.deepEqual(plan(7), plan(7));
  assert.notDeepEqual(plan(7), plan(8));
});
