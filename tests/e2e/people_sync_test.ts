/**
 * People, corrections and erasures between a running agent and its Supabase project, whatever happens on the way.
 * @module
 */
import assert from "node:assert/strict";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const KILLS = 5;

const cloud = await Cloud.start();

async function agentOn(dir: string): Promise<AgentProcess> {
  return await startAgent({
    dir,
    config: {
      device_id: "pc-1",
      process_name: "no such game",
      time_zone: "UTC",
      supabase: {
        url: cloud.url,
        key: cloud.key,
        email: cloud.alice.email,
        password: cloud.alice.password,
      },
    },
  });
}

async function write(agent: AgentProcess, method: string, path: string, json?: unknown) {
  const answer = await fetch(agent.url + path, {
    method,
    headers: {
      "authorization": `Bearer ${await agent.token()}`,
      "content-type": "application/json",
    },
    ...json === undefined ? {} : { body: JSON.stringify(json) },
  });
  assert.equal(answer.status, 200, `${method} ${path}: ${await answer.clone().text()}`);
  return await answer.json();
}

/** Has the agent sync, and does not wait for it. */
async function hurry(agent: AgentProcess): Promise<void> {
  const headers = { authorization: `Bearer ${await agent.token()}` };
  const answer = await fetch(`${agent.url}/sync/now?stream=attendance`, {
    method: "POST",
    headers,
  }).catch(() => undefined);
  await answer?.body?.cancel();
}

async function waiting(agent: AgentProcess): Promise<number> {
  const { lanes } = await (await fetch(`${agent.url}/sync/status`)).json();
  return lanes.find(({ stream }: { stream: string }) => stream === "attendance").rows_waiting;
}

const names = () =>
  cloud.sql<{ person_id: string; name: string | null }>(
    "SELECT person_id, name FROM people ORDER BY person_id",
  );

Deno.test(`People and corrections are in the cloud once and as they are now, though the agent is killed ${KILLS} times`, async () => {
  using dir = tempDir();
  const corrections: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const agent = await agentOn(dir.path);
    await write(agent, "PUT", `/people/${round}`, { name: `round ${round}` });
    const made = await write(agent, "POST", "/punches/corrections", {
      ...{ kind: "add", person_id: "all", at: `2026-03-02 12:0${round}` },
      ...{ reason: "forgot", by: "Ann" },
    });
    corrections.push(made.id);
    // While it is on its way, or before, or after it has come.
    if (round % 2 === 1) {
      await hurry(agent);
      await until(async () => (await names()).some(({ name }) => name === `round ${round}`), "one");
    } else void hurry(agent);
    await write(agent, "PUT", "/people/all", { name: `after ${round}` });
    await agent.kill();
  }
  await using agent = await agentOn(dir.path);
  await until(async () => {
    await hurry(agent);
    const rows = await cloud.sql<{ person_name: string }>("SELECT person_name FROM punches");
    return await waiting(agent) === 0 && rows.length === KILLS &&
      rows.every(({ person_name }) => person_name === `after ${KILLS - 1}`);
  }, "everything is sent, each punch with the last name");
  assert.deepEqual(await names(), [
    ...corrections.map((_, round) => ({ person_id: String(round), name: `round ${round}` })),
    { person_id: "all", name: `after ${KILLS - 1}` },
  ]);
  const rows = await cloud.sql<{ id: string }>("SELECT id FROM punch_corrections ORDER BY id");
  assert.deepEqual(rows.map(({ id }) => id), corrections);
});

Deno.test("An erasure reaches the cloud though the agent is killed before it could say so", async () => {
  await cloud.empty();
  using dir = tempDir();
  {
    const agent = await agentOn(dir.path);
    await write(agent, "PUT", "/people/7", { name: "Ann" });
    await write(agent, "POST", "/punches/corrections", {
      ...{ kind: "add", person_id: "7", at: "2026-03-02 12:00", reason: "forgot", by: "Bo" },
    });
    await until(async () => {
      await hurry(agent);
      return (await cloud.sql("SELECT FROM punch_corrections")).length === 1 &&
        (await cloud.sql("SELECT FROM punches WHERE person_name = 'Ann'")).length === 1;
    }, "the person is there");
    cloud.plug.pull();
    await write(agent, "POST", "/people/7/erase");
    await agent.kill();
    cloud.plug.push();
  }
  await using agent = await agentOn(dir.path);
  await until(async () => {
    await hurry(agent);
    return (await cloud.sql("SELECT FROM people WHERE erased_at IS NOT NULL")).length === 1;
  }, "the erasure");
  assert.deepEqual(await names(), [{ person_id: "7", name: null }]);
  for (const table of ["punches", "punch_corrections"]) {
    assert.deepEqual(await cloud.sql(`SELECT * FROM ${table}`), []);
  }
  await until(async () => await waiting(agent) === 0, "nothing waits");
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
