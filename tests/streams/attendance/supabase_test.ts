/** Punches, and what people make of them, on their way to a real Supabase. */
import assert from "node:assert/strict";
import { Hub } from "../../../src/core/mod.ts";
import { schemaSql } from "../../../src/remotes/supabase/mod.ts";
import { SyncEngine } from "../../../src/sync/mod.ts";
import { testApi } from "../../support/api.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";
import { until } from "../../support/until.ts";
import { Relay } from "./relay.ts";

const cloud = await Cloud.start();

interface CloudPunch {
  id: string;
  direction: string | null;
  struck: boolean;
  added_by: string | null;
  person_name: string | null;
}

/** A relay, its API, and the engine that sends what it stores to the project. */
async function office(options: Parameters<typeof supabaseOn>[1] = {}) {
  await cloud.empty();
  const relay = await Relay.start();
  const { store, hub, warnings, clock, stream } = relay;
  const api = testApi({ store, routes: stream.routes!, hub: new Hub() });
  const remote = supabaseOn(cloud, options);
  const lanes = [{
    name: "attendance" as const,
    outbox: stream.outbox!,
    schedule: stream.schedule!,
    remote,
  }];
  const engine = new SyncEngine({
    ...{ store, hub, warnings, clock, lanes },
    networkInterfaces: () => [],
  });
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  return {
    relay,
    remote,
    async write(path: string, method: string, json: unknown) {
      const answer = await api.ask(path, { method, json });
      assert.equal(answer.status, 200, path);
      return await answer.json();
    },
    /** The cloud's punches by their time, once they are as wanted. */
    async cloudHas(wanted: (rows: readonly CloudPunch[]) => boolean) {
      let rows: CloudPunch[] = [];
      await until(async () => {
        await relay.skip(11_000);
        if (stream.outbox!.depth().rows > 0) return false;
        rows = await cloud.sql<CloudPunch>("SELECT * FROM punches ORDER BY punched_at");
        return wanted(rows);
      }, "the cloud has the punches");
      return rows;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      api[Symbol.dispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

const WHY = { reason: "forgot", by: "Ann" };
const BOTH = "7\t2026-10-05 09:00:00\n7\t2026-10-05 09:15:00\n";

Deno.test("The cloud has a struck punch and an added one, once each, with direction and name", async () => {
  await using at = await office();
  await at.relay.iclock().post("ATTLOG", BOTH);
  const [first] = await at.cloudHas((rows) => rows.length === 2);
  assert.deepEqual([first!.direction, first!.struck], ["in", false]);

  const add = { kind: "add", person_id: "7", at: "2026-10-05 08:30", ...WHY };
  const added = await at.write("/punches/corrections", "POST", add);
  await at.write("/punches/corrections", "POST", { kind: "strike", punch_id: first!.id, ...WHY });
  await at.write("/people/7", "PUT", { name: "Zoë" });
  const rows = await at.cloudHas((rows) =>
    rows.length === 3 && rows.every(({ person_name }) => person_name === "Zoë")
  );
  assert.deepEqual(rows.map(({ struck, added_by }) => [struck, added_by]), [
    [false, added.id],
    [true, null],
    [false, null],
  ]);
  assert.deepEqual([rows[0]!.direction, rows[2]!.direction], ["in", "out"]);

  await at.write("/punches/corrections", "POST", { kind: "restore", punch_id: first!.id, ...WHY });
  const restored = await at.cloudHas((rows) => rows.every(({ struck }) => !struck));
  assert.equal(restored.length, 3);

  // Nothing of the punches themselves changes now.
  await at.write("/people/7", "PUT", { name: "Zoë Z." });
  await at.cloudHas((rows) => rows.every(({ person_name }) => person_name === "Zoë Z."));
});

Deno.test("A cloud of an earlier schema takes punches without the columns it lacks, until it has them", async () => {
  const lacking: string[] = [];
  await using at = await office({
    onLacking: (_, columns) => lacking.splice(0, Infinity, ...columns),
  });
  const later = ["direction", "direction_by", "struck", "added_by", "person_name"];
  const each = (change: (name: string) => string) =>
    cloud.ddl(`ALTER TABLE punches ${later.map(change).join(", ")}`);
  await each((name) => `DROP COLUMN ${name}`);
  try {
    await at.relay.iclock().post("ATTLOG", BOTH);
    await at.cloudHas((rows) => rows.length === 2);
    assert.deepEqual(lacking, later);
  } finally {
    await cloud.ddl(schemaSql);
  }
  // What was learned is forgotten within an hour.
  at.remote.forget!();
  await at.relay.iclock().post("ATTLOG", "8\t2026-10-05 09:00:00\n");
  const rows = await at.cloudHas((rows) => rows.length === 3);
  assert.equal(rows.filter(({ direction }) => direction === "in").length, 1);
  assert.deepEqual(lacking, []);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
