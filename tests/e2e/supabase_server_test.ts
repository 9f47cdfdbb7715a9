/**
 * What a project's own servers do to a running agent: limits, a schema they do not know yet, time-outs, restarts and
 * tokens that run out. Without anybody's help every row arrives, once.
 * @module
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { schemaSql } from "../../src/remotes/supabase/mod.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { Cloud, type CloudOptions } from "../support/servers/cloud.ts";
import { until } from "../support/until.ts";

function test(
  behaviour: string,
  run: (cloud: Cloud) => Promise<void>,
  options: CloudOptions = {},
): void {
  Deno.test(`With a Supabase ${behaviour}`, async () => {
    await using cloud = await Cloud.start(options);
    await run(cloud);
  });
}

for (const maxRows of [100, 1_000]) {
  test(
    `that gives ${maxRows} rows at once, the agent has all 2 500 of a table, and keeps up`,
    async (cloud) => {
      await cloud.sql(
        `INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', '${cloud.alice.id}');
       INSERT INTO projects (id, system_id, name)
         SELECT 'p' || n, 'pc-1', 'theirs' FROM generate_series(1, 2500) n`,
      );
      await using agent = await agentOn(cloud);
      await until(async () => (await records(agent)).size === 2_500, "all records");
      const events = await addEvents(agent, 1_000);
      await cloud.sql("UPDATE projects SET name = 'edited' WHERE id IN ('p1', 'p2500')");
      await until(async () => (await records(agent)).get("p2500") === "edited", "the edit");
      assert.equal((await records(agent)).get("p1"), "edited");
      await allArrive(agent, { cloud, events });
    },
    { maxRows },
  );
}

test("that does not know its new tables yet, the agent goes on once it does", async (cloud) => {
  await cloud.sqlAs("supabase_admin", "ALTER EVENT TRIGGER pgrst_ddl_watch DISABLE");
  await using agent = await agentOn(cloud);
  const events = await addEvents(agent, 10);
  await putProject(agent, "p1", "house");
  await until(() => answered(cloud, 404), "a refusal");
  await cloud.sql(schemaSql);
  const before = cloud.requests.length;
  // A table that is missing is looked for every few minutes.
  await write(agent, "POST", "/sync/now");
  await until(() => answered(cloud, 404, { after: before }), "a refusal of what is there");
  await cloud.ddl("SELECT 1");
  await write(agent, "POST", "/sync/now");
  await allArrive(agent, { cloud, events, projects: { p1: "house" } });
}, { schema: false });

test("that gives up on large batches, the agent sends smaller ones", async (cloud) => {
  await cloud.sql(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
     GRANT EXECUTE ON FUNCTION slow() TO authenticated;
     CREATE TRIGGER slow BEFORE INSERT ON zoe_events FOR EACH ROW EXECUTE FUNCTION slow();`,
  );
  // As a project may: what is waited for here is what 8 s are for 5 times as many rows.
  await cloud.sqlAs(
    "supabase_admin",
    "ALTER ROLE authenticated SET statement_timeout = '1500ms'; NOTIFY pgrst, 'reload config'",
  );
  try {
    await using agent = await agentOn(cloud);
    const events = await addEvents(agent, 400);
    await allArrive(agent, { cloud, events });
    assert.ok(answered(cloud, 500), "no time-out");
  } finally {
    await cloud.sqlAs("supabase_admin", "ALTER ROLE authenticated SET statement_timeout = '8s'");
  }
});

test("whose PostgREST restarts, the agent goes on", async (cloud) => {
  await using agent = await agentOn(cloud);
  const events = await addEvents(agent, 100);
  await allArrive(agent, { cloud, events });
  const before = cloud.requests.length;
  await cloud.stopRest();
  events.push(...await addEvents(agent, 300));
  await putProject(agent, "p1", "house");
  await until(() => answered(cloud, 502, { after: before }), "a refusal");
  await cloud.startRest();
  await allArrive(agent, { cloud, events, projects: { p1: "house" } });
});

test("whose PostgreSQL restarts in the middle of a backlog, the agent goes on", async (cloud) => {
  await using agent = await agentOn(cloud);
  const events = await addEvents(agent, 1_000);
  await putProject(agent, "p1", "house");
  await until(() => answered(cloud, 201), "the first batch");
  const before = cloud.requests.length;
  await cloud.stopPostgres();
  events.push(...await addEvents(agent, 300));
  await until(() => answered(cloud, 503, { after: before }), "a refusal");
  await cloud.startPostgres();
  await putProject(agent, "p2", "shed");
  await allArrive(agent, { cloud, events, projects: { p1: "house", p2: "shed" } });
  // Realtime has come back as well.
  await cloud.sql("UPDATE projects SET name = 'theirs', updated_at = now() WHERE id = 'p1'");
  await until(async () => (await records(agent)).get("p1") === "theirs", "the edit");
});

for (const sessions of ["kept", "forgotten"]) {
  test(`whose tokens have run out and whose sessions are ${sessions}, the agent gets others`, async (cloud) => {
    await using agent = await agentOn(cloud);
    const events = await addEvents(agent, 10);
    await allArrive(agent, { cloud, events });
    if (sessions === "forgotten") cloud.forgetSessions();
    const before = cloud.requests.length;
    // To PostgREST every token of an hour is two hours old.
    cloud.clockOffsetMs = 2 * 3_600_000;
    events.push(...await addEvents(agent, 300));
    await putProject(agent, "p1", "house");
    await allArrive(agent, { cloud, events, projects: { p1: "house" } });
    assert.ok(answered(cloud, 401, { after: before }), "no token was refused");
  });
}

async function agentOn(cloud: Cloud): Promise<AgentProcess> {
  return await startAgent({
    config: {
      device_id: "pc-1",
      process_name: "no such game",
      poll_interval_sec: 1,
      sync_interval_sec: 1,
      supabase: {
        url: cloud.url,
        key: cloud.key,
        email: cloud.alice.email,
        password: cloud.alice.password,
      },
      events: { flush: { active_sec: 1, offhours_sec: 1 } },
      records: { sync_interval_sec: 1 },
    },
  });
}

/** Adds events of a day. @returns their idempotency keys */
async function addEvents(agent: AgentProcess, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, () => crypto.randomUUID());
  await write(
    agent,
    "POST",
    "/local/events",
    keys.map((idempotency_key) => ({
      mode: "paper",
      source: "bot",
      type: "order",
      subtype: "QUOTE",
      body: "a price",
      idempotency_key,
    })),
  );
  return keys;
}

async function putProject(agent: AgentProcess, id: string, name: string): Promise<void> {
  await write(agent, "PUT", `/records/projects/${id}`, { name });
}

async function write(agent: AgentProcess, method: string, path: string, body: unknown = {}) {
  const response = await fetch(agent.url + path, {
    method,
    headers: {
      "authorization": `Bearer ${await agent.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
}

/** The projects that the agent has, and their names. */
async function records(agent: AgentProcess): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  let next: string | undefined = "/records/projects?limit=1000";
  while (next !== undefined) {
    const response: Response = await fetch(new URL(next, agent.url));
    for (const { id, name } of await response.json()) names.set(id, name);
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  }
  return names;
}

function answered(cloud: Cloud, status: number, { after = 0 } = {}): boolean {
  return cloud.requests.slice(after).some((request) => request.status === status);
}

/** Waits until everything is in the cloud, and holds it against what was acknowledged here. */
async function allArrive(
  agent: AgentProcess,
  { cloud, events, projects }: {
    cloud: Cloud;
    events: readonly string[];
    projects?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const looks = await (await fetch(`${agent.url}/history?limit=5000`)).json() as { id: string }[];
  const ids = async (sql: string) => (await cloud.sql<{ id: string }>(sql)).map(({ id }) => id);
  const heartbeats = "SELECT id::text FROM heartbeats";
  const flushed = "SELECT idempotency_key AS id FROM zoe_events";
  const named = "SELECT id || ': ' || name AS id FROM projects";
  const wanted = Object.entries(projects ?? {}).map(([id, name]) => `${id}: ${name}`);
  await until(
    async () => {
      const there = new Set(await ids(heartbeats));
      return looks.every(({ id }) => there.has(id)) &&
        (await ids(flushed)).length >= events.length &&
        (!projects || isDeepStrictEqual((await ids(named)).sort(), wanted));
    },
    "all rows in the cloud",
    { withinMs: 90_000 },
  );
  assert.deepEqual((await ids(flushed)).sort(), [...events].sort());
  const beats = await ids(heartbeats);
  assert.equal(new Set(beats).size, beats.length);
  const { lanes } = await (await fetch(`${agent.url}/sync/status`)).json() as {
    lanes: { rows_rejected: number }[];
  };
  assert.deepEqual(lanes.map(({ rows_rejected }) => rows_rejected), lanes.map(() => 0));
}
