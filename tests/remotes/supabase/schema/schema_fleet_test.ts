/**
 * The view of a fleet, with a thousand machines of an account and a thousand of another, sixty days each.
 * @module
 */
import assert from "node:assert/strict";
import { Cloud } from "../../../support/servers/cloud.ts";
import { fillFleet } from "../../../support/fleet.ts";
import { askRest, callerOf } from "../rest.ts";

const MACHINES = 1_000;

interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: Plan[];
}

Deno.test("The fleet's list", async (t) => {
  await using cloud = await Cloud.start();
  await fillFleet(cloud, { user: cloud.alice, prefix: "a", machines: MACHINES });
  await fillFleet(cloud, { user: cloud.bob, prefix: "b", machines: MACHINES });
  await cloud.sql("ANALYZE");
  const alice = await callerOf(cloud, "alice");
  const path = "fleet?order=system_id,device_id";

  await t.step("has every machine of the account and none of others, with seven days", async () => {
    const { rows } = await askRest(cloud, alice, { path });
    assert.equal(rows.length, MACHINES);
    assert.ok(rows.every(({ system_id }) => String(system_id).startsWith("a-")));
    const days = rows[0]!.days as Record<string, number>;
    const today = new Date().toISOString().slice(0, 10);
    assert.equal(Object.keys(days).length, 7);
    assert.ok(today in days);
    const bob = await callerOf(cloud, "bob");
    const others = await askRest(cloud, bob, { path: `${path}&limit=1` });
    assert.equal(others.rows[0]!.system_id, "b-0000");
    const anon = await askRest(cloud, await callerOf(cloud, "anon"), { path });
    assert.equal(anon.code, "42501");
  });

  await t.step("is read by indexes, and no heartbeat is", async () => {
    for (
      const query of [
        "SELECT * FROM fleet ORDER BY system_id, device_id LIMIT 1000",
        "SELECT * FROM fleet WHERE received_at > now() - interval '1 minute'",
        "SELECT * FROM fleet WHERE system_id = 'a-0007' AND device_id = 'a-0007'",
      ]
    ) {
      const [row] = await cloud.sqlAs<{ "QUERY PLAN": [{ Plan: Plan }] }>(
        "authenticated",
        `EXPLAIN (FORMAT JSON) ${query}`,
        { sub: cloud.alice.id },
      );
      const scans = scansIn(row!["QUERY PLAN"][0].Plan);
      assert.deepEqual(
        scans.map(({ table, index }) => [table, index]).sort(),
        [["daily_rollups", "daily_rollups_pkey"], ["devices", "devices_pkey"]],
        query,
      );
    }
  });

  await t.step("says how long each is silent by the server's clock", async () => {
    const [row] = await cloud.sql<{ silent: number; seen: boolean }>(
      `UPDATE devices SET last_seen = '2001-01-01', received_at = '2001-01-01' WHERE device_id = 'a-0001';
       SELECT silent_sec AS silent FROM fleet WHERE device_id = 'a-0001'`,
    );
    assert.ok(row!.silent < 600, `${row!.silent} s`);
  });
});

/** The tables that a plan reads, each with the index it uses. */
function scansIn(plan: Plan): { table: string; index: string | undefined }[] {
  const below = (plan.Plans ?? []).flatMap(scansIn);
  const table = plan["Relation Name"];
  if (table === undefined) return below;
  const index = plan["Index Name"] ?? indexBelow(plan);
  return [{ table, index }, ...below];
}

/** Of a bitmap heap scan. */
function indexBelow({ Plans = [] }: Plan): string | undefined {
  return Plans.map((plan) => plan["Index Name"] ?? indexBelow(plan)).find(Boolean);
}
