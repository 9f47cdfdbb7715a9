/**
 * Thresholds and grants between an agent and a real PostgREST by the agent's own clock, which a test moves: how fast
 * a machine is does not matter here, only what the agent waits for.
 * @module
 */
import assert from "node:assert/strict";
import { type Agent, openAgent } from "../../../src/agent.ts";
import { loadConfig } from "../../../src/config/mod.ts";
import type { AllowanceView } from "../../../src/contract/allowance.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const GAME = "Game.exe";
const DAY_MS = 86_400_000;

const cloud = await Cloud.start();
Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

interface Machine extends AsyncDisposable {
  agent: Agent;
  ask<T>(path: string, init?: RequestInit): Promise<{ status: number; body: T }>;
}

async function start(
  { dir, clock, playing }: { dir: string; clock: FakeClock; playing: () => boolean },
): Promise<Machine> {
  const never = 3_600;
  Deno.writeTextFileSync(
    `${dir}/config.json`,
    JSON.stringify({
      device_id: "pc-1",
      time_zone: "UTC",
      process_name: GAME,
      poll_interval_sec: 60,
      sync_interval_sec: never,
      daily_allowance_min: 7,
      api_port: 0,
      db_path: `${dir}/clockblock.db`,
      events: { flush: { active_sec: never, offhours_sec: never } },
      supabase: {
        url: cloud.url,
        key: cloud.key,
        email: cloud.alice.email,
        password: cloud.alice.password,
        realtime: false,
      },
    }),
  );
  const agent = await openAgent(loadConfig({ cwd: dir }), {
    clock,
    lister: () => Promise.resolve(playing() ? [{ image: GAME }] : []),
  });
  const end = new AbortController();
  const listening = Promise.withResolvers<string>();
  const ended = agent.run({ signal: end.signal, onListening: listening.resolve });
  const url = await listening.promise;
  const token = Deno.readTextFileSync(`${dir}/api-token`).trim();
  return {
    agent,
    async ask(path, init) {
      const response = await fetch(new URL(path, url), {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...init?.headers },
      });
      return { status: response.status, body: await response.json() };
    },
    async [Symbol.asyncDispose]() {
      end.abort();
      await ended;
      agent.close();
    },
  };
}

Deno.test("A threshold is in the cloud within two seconds of its crossing, whatever the schedules say", async () => {
  await cloud.empty();
  using dir = tempDir();
  const clock = new FakeClock(Date.now());
  let playing = false;
  await using machine = await start({ dir: dir.path, clock, playing: () => playing });
  const inCloud = async () => {
    const rows = await cloud.sql<{ threshold: number }>(
      "SELECT (meta ->> 'threshold')::int AS threshold FROM zoe_events ORDER BY seq",
    );
    return rows.map(({ threshold }) => threshold);
  };
  await firstSync(clock);
  playing = true;
  while ((await allowance(machine)).left_min !== 5) await clock.advance(1_000);
  const crossedAt = clock.now();
  await until(async () => {
    // Then it stands still: whatever the agent still waits for, it waits for in vain.
    if (clock.now() < crossedAt + 900) await clock.advance(100);
    return (await inCloud()).length === 2;
  }, "both thresholds");
  assert.deepEqual(await inCloud(), [15, 5]);
});

/** Until the agent has signed in and done what a start has to do. */
async function firstSync(clock: FakeClock): Promise<void> {
  await until(async () => {
    await clock.advance(100);
    return (await cloud.sql("SELECT FROM devices")).length === 1;
  }, "the first sync");
}

async function allowance({ ask }: Machine, date = ""): Promise<AllowanceView> {
  return (await ask<AllowanceView>(`/allowance${date && `?date=${date}`}`)).body;
}

Deno.test("Grants on both sides wait for a week without the cloud, and then count once each", async () => {
  await cloud.empty();
  await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', $1)", [
    cloud.alice.id,
  ]);
  using dir = tempDir();
  const clock = new FakeClock(Date.now() - 7 * DAY_MS);
  const opened = () => start({ dir: dir.path, clock, playing: () => false });
  let machine = await opened();
  const grantHere = (minutes: number, key: string) =>
    machine.ask("/allowance/grants", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ extra_min: minutes }),
    });
  const grantThere = (minutes: number) => {
    const now = new Date(clock.now()).toISOString();
    return cloud.sql(
      `INSERT INTO allowance_grants (system_id, device_id, date, extra_min, created_at)
       VALUES ('pc-1', 'pc-1', '${now.slice(0, 10)}', ${minutes}, '${now}')`,
    );
  };
  const inCloud = async () => {
    const [row] = await cloud.sql<{ rows: number; minutes: number }>(
      "SELECT count(*)::int AS rows, sum(extra_min) AS minutes FROM allowance_grants",
    );
    return [row!.rows, row!.minutes];
  };
  try {
    await firstSync(clock);
    cloud.plug.pull();
    const days: string[] = [];
    for (let day = 0; day < 7; day++) {
      days.push(new Date(clock.now()).toISOString().slice(0, 10));
      assert.equal((await grantHere(1, `day ${day}`)).status, 201);
      await grantThere(10);
      await clock.sleep(DAY_MS);
      if (day === 3) {
        await machine[Symbol.asyncDispose]();
        machine = await opened();
      }
      await clock.advance(2_000);
    }
    assert.deepEqual(await inCloud(), [7, 70]);
    assert.equal((await allowance(machine, days[0])).granted_min, 1);
    cloud.plug.push();
    const granted = () =>
      Promise.all(days.map(async (day) => (await allowance(machine, day)).granted_min));
    await until(async () => {
      await clock.advance(1_000);
      const [rows] = await inCloud();
      return rows === 14 && (await granted()).every((minutes) => minutes === 11);
    }, "all grants on both sides");
    for (let day = 0; day < 7; day++) {
      assert.equal((await grantHere(1, `day ${day}`)).status, 200);
    }
    await machine.ask("/sync/now", { method: "POST" });
    await clock.advance(5_000);
    assert.deepEqual(await granted(), Array(7).fill(11));
    assert.deepEqual(await inCloud(), [14, 77]);
  } finally {
    cloud.plug.push();
    await machine[Symbol.asyncDispose]();
  }
});
