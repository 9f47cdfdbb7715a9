/** That the report counts a hold of the event loop against the agent, and play that nobody played. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { tempDir } from "../support/temp.ts";
import { clockRule, divertedRule, playedRule, stallRules } from "./report.ts";
import { lateTimers, longestSince, type Stall } from "./watch.ts";

const stalled = (...stalls: Partial<Stall>[]) => [{
  stalls: stalls.map((each) => ({ life: 0, ageMs: 5_000, ms: 0, machineMs: 0, ...each })),
  longestMs: 0,
  timers: 1_000,
}];

Deno.test("stallRules hold an agent to 50 ms, what the machine did aside", () => {
  const met = (lives: ReturnType<typeof stalled>) => stallRules(lives)[0]!.met;
  assert.equal(met(stalled()), true);
  assert.equal(met(stalled({ ms: 51 })), false);
  assert.equal(met(stalled({ ms: 400, machineMs: 360 })), true);
  assert.equal(met(stalled({ ms: 400, machineMs: 300 })), false);
  // One is enough, whatever came before.
  assert.equal(met([...stalled(), ...stalled({ ms: 20 }, { ms: 60 })]), false);
});

Deno.test("longestSince reads from the agent's histogram how long it was held", () => {
  const told = (within50: number, within100: number, within250: number, maxSec: number) => {
    const name = "clockblock_event_loop_delay_seconds";
    return lateTimers(
      new Map([
        [`${name}_count`, 1_000],
        [`${name}_bucket{le="0.05"}`, within50],
        [`${name}_bucket{le="0.1"}`, within100],
        [`${name}_bucket{le="0.25"}`, within250],
        ["clockblock_event_loop_delay_max_seconds", maxSec],
      ]),
    );
  };
  const well = told(1_000, 1_000, 1_000, 0.02);
  assert.equal(longestSince(well, well), 0);
  assert.equal(longestSince(well, told(999, 1_000, 1_000, 0.07)), 70);
  assert.equal(longestSince(well, told(999, 999, 999, 0.4)), 400);
  // The maximum is older than the last look: the bound that was passed is certain.
  assert.equal(longestSince(told(999, 999, 1_000, 0.2), told(998, 998, 1_000, 0.2)), 100);
});

Deno.test("playedRule allows a look for each start and end, and no play where there was some", () => {
  using dir = tempDir();
  const database = `${dir.path}/clockblock.db`;
  const db = new DatabaseSync(database);
  db.exec("CREATE TABLE daily_rollups (minutes_used REAL); INSERT INTO daily_rollups VALUES (0)");
  const met = (countedSec: number) => {
    db.prepare("UPDATE daily_rollups SET minutes_used = ?").run(countedSec / 60);
    return playedRule({
      database,
      game: { playedMs: 100_000, changes: 4 },
      plan: { lives: [{ runMs: 60_000, end: "SIGKILL" }] },
    }).met;
  };
  assert.equal(met(98), true);
  assert.equal(met(105), true);
  assert.equal(met(106), false);
  assert.equal(met(0), false);
  db.close();
});

Deno.test("divertedRule names the first request that followed a redirect to another origin", () => {
  assert.equal(divertedRule({ diverted: [] }).met, true);
  const { met, value } = divertedRule({ diverted: ["POST /elsewhere", "GET /"] });
  assert.deepEqual([met, value], [false, "2: POST /elsewhere"]);
});

Deno.test("clockRule wants heartbeats of several days where the clock was set", () => {
  using dir = tempDir();
  const database = `${dir.path}/clockblock.db`;
  const db = new DatabaseSync(database);
  db.exec("CREATE TABLE heartbeats (timestamp_utc TEXT)");
  const beat = (at: string) => db.prepare("INSERT INTO heartbeats VALUES (?)").run(at);
  const met = (offsetSec: number) =>
    clockRule({ database, plan: { clock: [{ atMs: 0, offsetSec }] } }).met;
  beat("2026-11-21T10:00:00.000Z");
  beat("2026-11-21T11:00:00.000Z");
  assert.deepEqual([met(0), met(86_400)], [true, false]);
  beat("2026-11-24T10:00:00.000Z");
  assert.equal(met(86_400), true);
  db.close();
});
