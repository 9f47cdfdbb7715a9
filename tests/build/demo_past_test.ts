/**
 * The demo's past: what a newcomer sees at the first look, the same at every start.
 * @module
 */
import assert from "node:assert/strict";
import { pastPunches, PEOPLE } from "../../build/demo_past/office.ts";
import { writePast } from "../../build/demo_past/past.ts";
import { ALLOWANCE, GAMES, plays } from "../../build/demo_past/play.ts";
import { openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { systemClock } from "../../src/core/mod.ts";
import { tempDir } from "../support/temp.ts";

/** A Wednesday evening. */
const PRESENT = { now: Date.parse("2026-11-18T18:00:00Z"), timeZone: "Europe/Berlin" };

Deno.test("writePast fills History, Events, Records and the allowance of sixty days", async () => {
  using dir = tempDir();
  const path = `${dir.path}/config.json`;
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      device_id: "demo-pc",
      time_zone: PRESENT.timeZone,
      daily_allowance_min: ALLOWANCE,
      process_name: GAMES.map(({ label, process_name }) => ({ image: process_name, label })),
    }),
  );
  const config = loadConfig({ path, cwd: dir.path });
  const tokenPath = `${dir.path}/api-token`;
  await writePast(config, { ...PRESENT, deviceId: "demo-pc", tokenPath });

  const agent = await openAgent(config, { clock: { ...systemClock, now: () => PRESENT.now } });
  try {
    const ask = async (path: string) => {
      const host = `127.0.0.1:${config.api_port}`;
      const answer = await agent.fetch(new Request(`http://${host}${path}`, { headers: { host } }));
      assert.equal(answer.status, 200, path);
      return await answer.json();
    };
    const range = `from=2026-09-19&to=2026-11-18&tz=${PRESENT.timeZone}`;
    const days: { date_utc: string; minutes_used: number }[] = await ask(`/days?${range}`);
    const played = days.filter(({ minutes_used }) => minutes_used > 0);
    assert.ok(played.length > 40 && played.length < 61, `${played.length} days with play`);
    const games: { label: string }[] = await ask(`/games?${range}`);
    assert.deepEqual(
      [...new Set(games.map(({ label }) => label))].sort(),
      GAMES.map(({ label }) => label).sort(),
    );
    const { left_min } = await ask("/allowance");
    assert.equal(left_min, 2);
    assert.ok(days.some(({ minutes_used }) => minutes_used > 150), "a day beyond its allowance");
    assert.equal((await ask("/history?limit=5000")).length, 5_000);
    assert.ok((await ask("/local/events?mode=paper&limit=1000")).length > 400);
    assert.equal((await ask("/records/projects")).length, 5);
    const tasks: { status: string }[] = await ask("/records/tasks");
    assert.deepEqual(
      [...new Set(tasks.map(({ status }) => status))].sort(),
      ["done", "in progress", "open"],
    );
    assert.ok(tasks.length > 12 && (await ask("/records/results")).length > 8);
  } finally {
    agent.close();
  }
});

Deno.test("plays are the same for the same day, and never overlap or lie ahead", () => {
  const all = plays(PRESENT);
  assert.deepEqual(all, plays(PRESENT));
  for (const [index, { from, to }] of all.entries()) {
    assert.ok(from < to && to < PRESENT.now);
    assert.ok(index === 0 || from >= all[index - 1]!.to);
  }
});

Deno.test("plays of a day that has just begun stay within it", () => {
  const now = Date.parse("2026-11-17T23:07:00Z");
  const today = plays({ ...PRESENT, now }).filter(({ to }) => to > now - 30 * 60_000);
  assert.ok(today.every(({ from }) => from >= Date.parse("2026-11-17T23:00:00Z")));
});

Deno.test("pastPunches know everybody, on workdays only, in the order of time", () => {
  const punches = pastPunches(PRESENT);
  assert.deepEqual(new Set(punches.map(({ name }) => name)), new Set(PEOPLE));
  assert.ok(punches.length > 1_500);
  const times = punches.map(({ time }) => time);
  assert.deepEqual(times, times.toSorted());
  assert.ok(times.at(-1)! <= "2026-11-18 19:00:00");
  const weekdays = new Set(times.map((time) => new Date(`${time.slice(0, 10)}Z`).getUTCDay()));
  assert.deepEqual([...weekdays].sort(), [1, 2, 3, 4, 5]);
});
