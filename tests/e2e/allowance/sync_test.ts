/**
 * Grants between a running agent and its Supabase project: a parent's phone grants, the machine honours it; what the
 * machine grants is in the cloud once, whatever happens on the way.
 * @module
 */
import assert from "node:assert/strict";
import type { AllowanceView } from "../../../src/contract/allowance.ts";
import { schemaSql } from "../../../src/remotes/supabase/mod.ts";
import { type AgentProcess, startAgent } from "../../support/process/agent_process.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const KILLS = 5;

const cloud = await Cloud.start();

interface AgentChoices {
  dir?: string;
  realtime?: boolean;
  syncSec?: number;
}

async function agentOn(
  { dir, realtime = false, syncSec = 1 }: AgentChoices = {},
): Promise<AgentProcess> {
  return await startAgent({
    ...dir === undefined ? {} : { dir },
    config: {
      device_id: "pc-1",
      process_name: "no such game",
      poll_interval_sec: 1,
      sync_interval_sec: syncSec,
      daily_allowance_min: 60,
      supabase: {
        url: cloud.url,
        key: cloud.key,
        email: cloud.alice.email,
        password: cloud.alice.password,
        realtime,
      },
    },
  });
}

async function read<T>(agent: AgentProcess, path: string): Promise<T> {
  return await (await fetch(agent.url + path)).json();
}

async function grantedMin(agent: AgentProcess): Promise<number> {
  return (await read<AllowanceView>(agent, "/allowance")).granted_min;
}

/** Makes a grant on the machine, as its page does. */
async function grantHere(
  agent: AgentProcess,
  extra_min: number,
  key: string = crypto.randomUUID(),
) {
  return await fetch(`${agent.url}/allowance/grants`, {
    method: "POST",
    headers: {
      "authorization": `Bearer ${await agent.token()}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify({ extra_min, reason: key }),
  });
}

/** Makes a grant as a parent's phone does. */
async function grantThere(
  agent: AgentProcess,
  extra_min: number,
  who = cloud.alice,
): Promise<void> {
  const { date } = await read<AllowanceView>(agent, "/allowance");
  await cloud.sqlAs(
    "authenticated",
    `INSERT INTO allowance_grants (system_id, device_id, date, extra_min, made_by)
     VALUES ('pc-1', 'pc-1', '${date}', ${extra_min}, '${who.email}')`,
    { sub: who.id },
  );
}

async function inCloud(): Promise<string[]> {
  const rows = await cloud.sql<{ reason: string }>(
    "SELECT reason FROM allowance_grants WHERE reason IS NOT NULL ORDER BY reason",
  );
  return rows.map(({ reason }) => reason);
}

async function heartbeats(): Promise<number> {
  const [row] = await cloud.sql<{ count: string }>("SELECT count(*) FROM heartbeats");
  return Number(row!.count);
}

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(behaviour, async () => {
    await cloud.empty();
    await cloud.sql(
      "INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', $1), ('pc-1', $2)",
      [cloud.alice.id, cloud.bob.id],
    );
    await run();
  });
}

test("With Realtime the machine honours two parents' grants at once, whatever its schedule says", async () => {
  await using agent = await agentOn({ realtime: true, syncSec: 3_600 });
  await until(() => cloud.realtime.live > 1, "both channels");
  await Promise.all([grantThere(agent, 30), grantThere(agent, 15, cloud.bob)]);
  await until(async () => await grantedMin(agent) === 45, "both grants", { withinMs: 10_000 });
  const { grants, left_min } = await read<AllowanceView>(agent, "/allowance");
  assert.deepEqual(grants.map(({ made_by }) => made_by).sort(), [
    cloud.alice.email,
    cloud.bob.email,
  ]);
  assert.equal(left_min, 105);
});

test("Without Realtime the machine honours a grant with its next sync", async () => {
  await using agent = await agentOn();
  await until(async () => await heartbeats() > 0, "a sync");
  await grantThere(agent, 30);
  await until(async () => await grantedMin(agent) === 30, "the grant");
});

test("A grant of a million minutes in a table without our checks is never counted, and a warning says so", async () => {
  await cloud.ddl(
    "ALTER TABLE allowance_grants DROP CONSTRAINT allowance_grants_extra_min_check",
  );
  try {
    await using agent = await agentOn();
    await grantThere(agent, 1e6);
    await grantThere(agent, 20);
    await until(async () => await grantedMin(agent) === 20, "the other grant");
    const { warnings } = await read<{ warnings: { code: string }[] }>(agent, "/status");
    assert.deepEqual(warnings.map(({ code }) => code), ["allowance.refused"]);
  } finally {
    await cloud.sql("DELETE FROM allowance_grants");
    await cloud.ddl(
      `ALTER TABLE allowance_grants ADD CONSTRAINT allowance_grants_extra_min_check
         CHECK (extra_min between -1440 and 1440 and extra_min <> 0)`,
    );
  }
});

test("Grants of the machine wait while the cloud is away, and are there at once afterwards", async () => {
  await using agent = await agentOn({ syncSec: 3_600 });
  await until(async () => await heartbeats() > 0, "a sync");
  cloud.plug.pull();
  for (const key of ["a", "b", "c"]) assert.equal((await grantHere(agent, 5, key)).status, 201);
  assert.equal(await grantedMin(agent), 15);
  await grantThere(agent, 30);
  cloud.plug.push();
  await until(async () => (await inCloud()).length === 3, "the grants", { withinMs: 60_000 });
  assert.deepEqual(await inCloud(), ["a", "b", "c"]);
  await until(async () => await grantedMin(agent) === 45, "the parent's grant");
});

test(`A grant of the machine is in the cloud once, though the agent is killed ${KILLS} times`, async () => {
  using dir = tempDir();
  const acknowledged: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const agent = await agentOn({ dir: dir.path });
    for (const key of [`${kill} a`, `${kill} b`]) {
      const answer = await grantHere(agent, 5, key);
      assert.equal(answer.status, 201);
      acknowledged.push(key);
    }
    // While it is on its way, or before, or after it has come.
    if (kill % 2 === 1) await until(async () => (await inCloud()).includes(`${kill} a`), "one");
    await agent.kill();
  }
  await using agent = await agentOn({ dir: dir.path });
  await until(async () => (await inCloud()).length >= acknowledged.length, "all grants");
  assert.deepEqual(await inCloud(), acknowledged);
  assert.equal(await grantedMin(agent), 10 * KILLS);
  assert.equal((await grantHere(agent, 5, "0 a")).status, 200);
});

test("A cloud with the schema of before takes heartbeats, a warning says to run the schema again, and then it takes grants", async () => {
  // Nor did its days count any grants.
  await cloud.ddl(`
    DROP TABLE allowance_grants;
    CREATE OR REPLACE FUNCTION granted_minutes(of_device text, of_day date) RETURNS double precision
      LANGUAGE sql AS 'SELECT 0::double precision';
  `);
  try {
    await using agent = await agentOn();
    assert.equal((await grantHere(agent, 5, "early")).status, 201);
    const before = await heartbeats();
    await until(async () => await heartbeats() > before + 2, "heartbeats");
    const { warnings } = await read<{ warnings: { message: string }[] }>(agent, "/status");
    assert.match(warnings.map(({ message }) => message).join(), /clockblock schema supabase/);
    await cloud.ddl(schemaSql);
    await fetch(`${agent.url}/sync/now`, {
      method: "POST",
      headers: { authorization: `Bearer ${await agent.token()}` },
    });
    await until(async () => (await inCloud()).length === 1, "the grant");
    await grantThere(agent, 30);
    await until(async () => await grantedMin(agent) === 35, "the parent's grant");
  } finally {
    await cloud.ddl(schemaSql);
  }
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
