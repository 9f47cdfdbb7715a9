/** The machines of an account, read by supabase-js through the real PostgREST. @module */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { fleetOf } from "../../../src/dashboard/source/machines.ts";
import { machineState } from "../../../src/dashboard/model/fleet.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { fillFleet } from "../../support/fleet.ts";

const cloud = await Cloud.start({ maxRows: 40 });
Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

function fleetAs(user: { id: string; email: string; password: string }) {
  const client = createClient(cloud.url, cloud.key, {
    accessToken: () => cloud.token(user),
    db: { retry: false },
  });
  return fleetOf(client);
}

Deno.test("fleetOf gives every machine of the account once, whatever a project gives at a time", async () => {
  await cloud.empty();
  await fillFleet(cloud, { user: cloud.alice, prefix: "a", machines: 100 });
  await fillFleet(cloud, { user: cloud.bob, prefix: "b", machines: 10 });
  const machines = await fleetAs(cloud.alice).machines();
  assert.equal(machines.length, 100);
  assert.equal(new Set(machines.map(({ deviceId }) => deviceId)).size, 100);
  assert.ok(machines.every(({ systemId }) => systemId.startsWith("a-")));
  const counts = Map.groupBy(machines, (machine) => machineState(machine, Date.now()));
  assert.deepEqual(
    Object.fromEntries([...counts].map(([state, list]) => [state, list.length])),
    { idle: 50, error: 10, silent: 10, over: 10, playing: 20 },
  );
  const over = machines.find(({ deviceId }) => deviceId === "a-0003")!;
  assert.deepEqual(
    [over.name, over.limitMin, over.usedMin, over.leftMin, over.waiting, over.lastError],
    ["Machine 0003", 120, 150, 0, 3, null],
  );
  assert.equal(Object.keys(over.days).length, 7);
  assert.equal((await fleetAs(cloud.bob).machines()).length, 10);
});

Deno.test("fleetOf gives what has reported since, and no heartbeat is asked for", async () => {
  await cloud.empty();
  await fillFleet(cloud, { user: cloud.alice, prefix: "a", machines: 50 });
  await cloud.sql("ALTER TABLE devices DISABLE TRIGGER devices_stamp");
  try {
    await cloud.sql(
      "UPDATE devices SET received_at = now() - interval '2 minutes' * (1 + right(device_id, 2)::int)",
    );
  } finally {
    await cloud.sql("ALTER TABLE devices ENABLE TRIGGER devices_stamp");
  }
  const fleet = fleetAs(cloud.alice);
  const known = await fleet.machines();
  await cloud.sql(
    `UPDATE devices SET is_playing = true, last_seen = '2001-01-01', name = 'He said "hi, (x)\\'
     WHERE device_id = 'a-0007'`,
  );
  cloud.requests.length = 0;
  const newer = await fleet.newer(known);
  // The newest known comes again: what was stamped before it may have been committed after it.
  assert.deepEqual(newer.map(({ deviceId }) => deviceId).sort(), ["a-0000", "a-0007"]);
  const seven = newer.find(({ deviceId }) => deviceId === "a-0007")!;
  assert.deepEqual([seven.isPlaying, seven.name], [true, 'He said "hi, (x)\\']);
  // Not by the machine's own clock.
  assert.ok(Date.now() - seven.seenMs < 60_000);
  assert.ok(cloud.requests.every(({ path }) => path.startsWith("/rest/v1/fleet?")));
});

Deno.test("fleetOf finds its place again behind ids that PostgREST has a meaning for", async () => {
  await cloud.empty();
  const ids = ['a"b', "a\\c", "a,b", "a.b", "a(b)", "ä", "null", "a*"];
  for (const id of ids) {
    await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ($1, $2)", [
      id,
      cloud.alice.id,
    ]);
    for (let n = 0; n < 10; n++) {
      await cloud.sql(
        "INSERT INTO devices (system_id, device_id, last_seen) VALUES ($1, $2, now())",
        [
          id,
          `${id}${n}`,
        ],
      );
    }
  }
  const machines = await fleetAs(cloud.alice).machines();
  assert.equal(new Set(machines.map(({ deviceId }) => deviceId)).size, ids.length * 10);
  assert.equal(machines.length, ids.length * 10);
});
