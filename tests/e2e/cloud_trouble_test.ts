/**
 * What a person can get wrong about Supabase, and what can go wrong with it: each is told by the command line, the
 * API and the log; meanwhile everything is recorded, and once it is mended all of it is in the cloud.
 * @module
 */
import assert from "node:assert/strict";
import { runAgent, startAgent } from "../support/process/agent_process.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

interface Lane {
  stream: string;
  state: string;
  rows_waiting: number;
  rows_rejected: number;
  last_error: { message: string; advice: string | null } | null;
}

interface Trouble {
  name: string;
  /** Differs from what would work. */
  supabase?: () => Record<string, unknown>;
  before?: (dir: string) => Promise<unknown>;
  /** Done while the agent runs. */
  happens?: () => Promise<unknown>;
  state: string;
  /** What a person reads, wherever they look. */
  says: RegExp;
  /** And what stands in the log besides. */
  logs?: RegExp;
  mend?: (dir: string) => Promise<unknown>;
  /** Whether mending takes other settings, and so another start. */
  restart?: boolean;
}

const cloud = await Cloud.start();

const right = () => ({
  url: cloud.url,
  key: cloud.key,
  email: cloud.alice.email,
  password: cloud.alice.password,
  realtime: false,
});
const NO_PASSWORD = { password: null };

const troubles: readonly Trouble[] = [
  {
    name: "a wrong URL",
    supabase: () => ({ url: `http://127.0.0.1:${closedPort()}` }),
    state: "disconnected",
    says: /supabase 127\.0\.0\.1:\d+": no answer/,
    restart: true,
  },
  {
    name: "an address of something else",
    supabase: () => ({ url: `${cloud.url}/dashboard/project` }),
    state: "failed",
    says: /what answers there is no Supabase project\. Check supabase\.url and supabase\.key/,
    restart: true,
  },
  {
    name: "a wrong key",
    supabase: () => ({ key: "sb_publishable_of_another_project" }),
    state: "failed",
    says: /Invalid API key\. Check supabase\.url and supabase\.key/,
    restart: true,
  },
  {
    name: "a wrong password",
    supabase: () => ({ password: "guessed" }),
    state: "failed",
    says: /Invalid login credentials\. Check supabase\.email and the password/,
    restart: true,
  },
  {
    name: "a missing table",
    happens: () => cloud.ddl("ALTER TABLE heartbeats RENAME TO put_aside"),
    state: "failed",
    says: /status 404.*heartbeats.*clockblock schema supabase/s,
    mend: () => cloud.ddl("ALTER TABLE put_aside RENAME TO heartbeats"),
  },
  {
    name: "a policy that refuses",
    before: () =>
      cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', $1)", [
        cloud.bob.id,
      ]),
    state: "failed",
    says: /row-level security.*system "pc-1" belongs to another account/s,
    mend: () =>
      cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', $1)", [
        cloud.alice.id,
      ]),
  },
  {
    name: "a clock that is off by a day",
    before: () => Promise.resolve(cloud.clockOffsetMs = 86_400_000),
    state: "connected",
    says: /clock is about 1440 min behind supabase .*: set it/,
    mend: () => Promise.resolve(cloud.clockOffsetMs = 0),
  },
  {
    name: "a damaged auth.json",
    supabase: () => NO_PASSWORD,
    before: async (dir) => {
      await signIn(dir);
      await Deno.writeTextFile(`${dir}/auth.json`, '{"iv":"AAAA","data":"half of');
    },
    state: "failed",
    says: /sign in again: `clockblock login`/,
    logs: /Cannot read .*auth\.json.*: it is damaged or its key is another/,
    mend: signIn,
  },
  {
    name: "a refresh token that ran out",
    supabase: () => NO_PASSWORD,
    before: async (dir) => {
      await signIn(dir);
      cloud.forgetSessions();
      cloud.clockOffsetMs = 2 * 3_600_000;
    },
    state: "failed",
    says: /sign in again: `clockblock login`/,
    mend: (dir) => {
      cloud.clockOffsetMs = 0;
      return signIn(dir);
    },
  },
];

for (const trouble of troubles) {
  const { name, supabase, before, happens, state, says, logs, mend, restart } = trouble;
  Deno.test(`The agent tells of ${name}, records on, and loses nothing`, async () => {
    await cloud.empty();
    using folder = tempDir();
    const dir = folder.path;
    await configure(dir, supabase?.());
    await before?.(dir);
    let recorded: number;
    {
      await using agent = await startAgent({ dir });
      await happens?.();
      const looks = async () => (await json<unknown[]>(`${agent.url}/history?limit=5000`)).length;
      await until(async () => await looks() > 0, "the first look");
      await record(agent.url, await agent.token());
      await runAgent(["sync", "now"], { dir });

      const { lanes } = await json<{ lanes: Lane[] }>(`${agent.url}/sync/status`);
      const lane = lanes.find(({ stream }) => stream === "playtime")!;
      assert.equal(lane.state, state, JSON.stringify(lane));
      assert.equal(lane.rows_rejected, 0);
      const { warnings } = await json<{ warnings: { message: string }[] }>(`${agent.url}/status`);
      const told = warnings.map(({ message }) => message).join("\n");
      const wrong = lane.last_error && `${lane.last_error.message}; ${lane.last_error.advice}`;
      assert.match(wrong ?? told, says);
      // Whoever waits for a person says so without being asked.
      if (state === "failed") assert.notEqual(told, "");
      assert.match((await runAgent(["status"], { dir })).stdout, says);

      const before = await looks();
      await until(async () => await looks() > before, "the next look");
      if (!restart) {
        await mend?.(dir);
        await runAgent(["sync", "now"], { dir });
      }
      recorded = await looks();
      await agent.stop();
    }
    const logged = await log(dir);
    assert.match(logged, says);
    if (logs) assert.match(logged, logs);
    assert.ok(!logged.includes(cloud.alice.password));
    if (restart) {
      await configure(dir);
      const { code, stdout, stderr } = await runAgent(["sync", "now"], { dir });
      assert.equal(code, 0, stdout + stderr);
    }
    const there = await cloud.sql("SELECT id FROM heartbeats");
    // The last look may have come after the sync.
    assert.ok(there.length >= recorded - 1, `${there.length} of ${recorded} heartbeats`);
    assert.deepEqual(await cloud.sql("SELECT body, device_id FROM zoe_events"), [
      { body: "bought", device_id: "pc-1" },
    ]);
    assert.deepEqual(await cloud.sql("SELECT name FROM projects"), [{ name: "house" }]);
  });
}

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function configure(dir: string, supabase: Record<string, unknown> = {}): Promise<void> {
  const config = {
    api_port: 0,
    device_id: "pc-1",
    process_name: "no such game",
    poll_interval_sec: 1,
    sync_interval_sec: 3_600,
    supabase: { ...right(), ...supabase },
  };
  await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify(config));
}

/** An event and a record, as programs on this machine make them. */
async function record(url: string, token: string): Promise<void> {
  const write = async (method: string, path: string, body: unknown) => {
    const response = await fetch(url + path, {
      method,
      headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, await response.text());
  };
  await write("POST", "/local/events", {
    mode: "paper",
    source: "bot",
    type: "TRADE",
    subtype: "BUY_FILLED",
    body: "bought",
  });
  await write("PUT", "/records/projects/p1", { name: "house" });
}

async function signIn(dir: string): Promise<void> {
  const env = { CLOCKBLOCK_SUPABASE__PASSWORD: cloud.alice.password };
  const { code, stderr } = await runAgent(["login"], { dir, env });
  assert.equal(code, 0, stderr);
}

/** What the log says, a message a line. */
async function log(dir: string): Promise<string> {
  const lines = (await Deno.readTextFile(`${dir}/logs/clockblock.log`)).trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { message: string }).message).join("\n");
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return await response.json();
}

/** A port where nobody listens. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
