/** A machine that is given another name, and its old one again, as its owner does it: in the configuration. @module */
import assert from "node:assert/strict";
import { type Agent, openAgent } from "../src/agent.ts";
import { loadConfig } from "../src/config/mod.ts";
import { FakeClock } from "./support/fakes/fake_clock.ts";
import { tempDir } from "./support/temp.ts";
import { until } from "./support/until.ts";

const clock = new FakeClock("2026-03-02T12:00:00.000Z");
const lister = () => Promise.resolve([{ image: "Minecraft.exe" }]);

/** The agent in the folder, under this name. */
async function agentIn(dir: string, device_id: string | null): Promise<Agent> {
  const config = { device_id, api_port: 0, poll_interval_sec: 60, time_zone: "UTC" };
  Deno.writeTextFileSync(`${dir}/config.json`, JSON.stringify(config));
  return await openAgent(loadConfig({ cwd: dir }), { clock, lister });
}

async function get(agent: Agent, path: string) {
  const headers = { host: "127.0.0.1" };
  return await (await agent.fetch(new Request(`http://127.0.0.1${path}`, { headers }))).json();
}

/** A minute of play under this name; what the agent then says of today, and whose the heartbeats are. */
async function live(dir: string, device_id: string | null) {
  const agent = await agentIn(dir, device_id);
  const stop = new AbortController();
  try {
    const before = (await get(agent, "/daily")).minutes_used;
    const running = agent.run({ signal: stop.signal });
    const owners = async () =>
      (await get(agent, "/history")).map((row: { device_id: string }) => row.device_id);
    await until(
      async () => new Set(await owners()).size === 1 && (await owners()).length === before + 1,
      "a heartbeat, and all of them of one name",
    );
    const status = await get(agent, "/status");
    const { minutes_used } = await get(agent, "/daily");
    const days = (await get(agent, "/days")).filter((day: { minutes_used: number }) =>
      day.minutes_used > 0
    );
    stop.abort();
    await running;
    return { name: status.device_id as string, minutes_used, days: days.length, before };
  } finally {
    agent.close();
  }
}

Deno.test("A machine's days stay its own whatever it is called, and when it is called as before", async () => {
  using dir = tempDir();
  const first = await live(dir.path, null);
  assert.match(first.name, /^[0-9a-f]{8}-/);
  assert.deepEqual(await live(dir.path, "pc-1"), {
    name: "pc-1",
    before: 1,
    minutes_used: 2,
    days: 1,
  });
  assert.equal((await live(dir.path, "pc-2")).minutes_used, 3);
  assert.equal((await live(dir.path, "pc-1")).minutes_used, 4);
  assert.deepEqual(await live(dir.path, null), {
    name: first.name,
    before: 4,
    minutes_used: 5,
    days: 1,
  });
});

Deno.test("A change of the name that was interrupted is made good, also when it is changed back", async () => {
  using dir = tempDir();
  await live(dir.path, "a");
  // Days go over when it opens, heartbeats only while it runs.
  (await agentIn(dir.path, "b")).close();
  (await agentIn(dir.path, "c")).close();
  assert.deepEqual(await live(dir.path, "b"), { name: "b", before: 1, minutes_used: 2, days: 1 });
  (await agentIn(dir.path, "c")).close();
  assert.equal((await live(dir.path, "b")).minutes_used, 3);
});

Deno.test("Rows of a name that the database never had are another machine's", async () => {
  using dir = tempDir();
  await live(dir.path, "a");
  const agent = await agentIn(dir.path, "a");
  await agent.store.write(() => {
    agent.store.db.exec(
      `INSERT INTO daily_rollups SELECT 'foreign', date_utc, 7, 0, NULL, last_heartbeat_at, updated_at
       FROM daily_rollups`,
    );
  });
  agent.close();
  assert.equal((await live(dir.path, "b")).minutes_used, 2);
  const after = await agentIn(dir.path, "b");
  const names = after.store.db.prepare("SELECT device_id FROM daily_rollups ORDER BY 1").all();
  after.close();
  assert.deepEqual(names.map(({ device_id }) => device_id), ["b", "foreign"]);
});
