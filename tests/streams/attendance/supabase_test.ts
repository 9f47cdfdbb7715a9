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

interface CloudPerson {
  person_id: string;
  device_id: string;
  alias_of: string | null;
  name: string | null;
  department: string | null;
  active: boolean;
  source: string;
  erased_at: string | null;
}

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
  const relay = await Relay.start({ deps: { cloud: true, twoWay: true } });
  const { store, hub, warnings, clock, stream } = relay;
  const api = testApi({ store, routes: stream.routes!, hub: new Hub() });
  const remote = supabaseOn(cloud, options);
  const drained = (what: string, wanted: () => Promise<boolean>) =>
    until(async () => {
      await relay.skip(11_000);
      return stream.outbox!.depth().rows === 0 && await wanted();
    }, what);
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
      await drained("the cloud has the punches", async () => {
        rows = await cloud.sql<CloudPunch>("SELECT * FROM punches ORDER BY punched_at");
        return wanted(rows);
      });
      return rows;
    },
    /** The cloud's people in the order of their ids, once they are as wanted. */
    async cloudKnows(wanted: (rows: readonly CloudPerson[]) => boolean) {
      let rows: CloudPerson[] = [];
      await drained("the cloud has the people", async () => {
        rows = await cloud.sql<CloudPerson>("SELECT * FROM people ORDER BY person_id");
        return wanted(rows);
      });
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

Deno.test("The cloud has people with their other ids, and has them again when they change", async () => {
  await using at = await office();
  await at.relay.iclock().post("USERINFO", "PIN=7\tName=Ann\nPIN=107\tName=A. Smith\n");
  await at.write("/people/8", "PUT", { name: "Bo", department: "Sales" });
  const before = await at.cloudKnows((rows) => rows.length === 3);
  assert.deepEqual(before.map(({ person_id, name, source }) => [person_id, name, source]), [
    ["107", "A. Smith", "device"],
    ["7", "Ann", "device"],
    ["8", "Bo", "person"],
  ]);
  assert.deepEqual(new Set(before.map(({ device_id }) => device_id)), new Set(["pc-1"]));

  await at.write("/people/7", "PUT", { aliases: ["107"], department: "Stores" });
  await at.write("/people/8", "DELETE", undefined);
  const after = await at.cloudKnows((rows) => rows[0]?.alias_of === "7");
  assert.deepEqual(
    after.map(({ alias_of, department, active }) => [alias_of, department, active]),
    [
      ["7", null, false],
      [null, "Stores", true],
      [null, "Sales", false],
    ],
  );
  await at.write("/people/7", "PUT", { aliases: [] });
  await at.cloudKnows((rows) => rows[0]?.alias_of === null && rows[0].active);
});

Deno.test("The cloud has a correction with who made it and why, once", async () => {
  await using at = await office();
  await at.relay.iclock().post("ATTLOG", BOTH);
  const [first] = await at.cloudHas((rows) => rows.length === 2);
  const strike = { kind: "strike", punch_id: first!.id, ...WHY };
  const made = await at.write("/punches/corrections", "POST", strike);
  assert.equal(made.synced_at, null);
  await at.cloudHas((rows) => rows[0]?.struck === true);
  const rows = await cloud.sql("SELECT * FROM punch_corrections");
  assert.equal(rows.length, 1);
  const { created_at, punched_at, ...row } = rows[0]!;
  assert.deepEqual(row, {
    ...{ system_id: "pc-1", device_id: "pc-1", id: made.id, kind: "strike", punch_id: first!.id },
    ...{ person_id: "7", direction: null, reason: "forgot", made_by: "Ann" },
  });
  assert.deepEqual([created_at, punched_at].map((at) => new Date(at as string).toISOString()), [
    made.created_at,
    made.punched_at,
  ]);
});

Deno.test("A person who is changed while on the way to the cloud is sent again", async () => {
  await using at = await office();
  await at.write("/people/7", "PUT", { name: "before" });
  cloud.meanwhile = () => at.write("/people/7", "PUT", { name: "after" });
  await at.cloudKnows((rows) => rows[0]?.name === "after");
  assert.equal(cloud.meanwhile, undefined);
});

Deno.test("An erased person is erased in the cloud, and what comes from the id afterwards stays", async () => {
  await using at = await office();
  const device = at.relay.iclock();
  await device.post("ATTLOG", `${BOTH}107\t2026-10-05 09:10:00\n8\t2026-10-05 09:00:00\n`);
  await at.write("/people/7", "PUT", { name: "Ann", department: "Sales", aliases: ["107"] });
  const [first] = await at.cloudHas((rows) => rows.length === 4);
  await at.write("/punches/corrections", "POST", { kind: "strike", punch_id: first!.id, ...WHY });
  await at.cloudHas((rows) => rows.some(({ struck }) => struck));

  await at.write("/people/7/erase", "POST", undefined);
  const people = await at.cloudKnows((rows) => rows.some(({ erased_at }) => erased_at !== null));
  assert.deepEqual(
    people.map(({ person_id, name, department, alias_of, active, erased_at }) => ({
      person_id,
      ...{ name, department, alias_of, active, erased: erased_at !== null },
    })),
    [
      ...["107", "7"].map((person_id) => ({
        person_id,
        ...{ name: null, department: null, alias_of: null, active: false, erased: true },
      })),
      { person_id: "8", name: null, department: null, alias_of: null, active: true, erased: false },
    ],
  );
  const punches = await at.cloudHas(() => true);
  assert.deepEqual(punches.length, 1);
  assert.deepEqual(await cloud.sql("SELECT * FROM punch_corrections"), []);

  await device.post("ATTLOG", "7\t2026-10-05 09:19:00\n");
  await at.write("/people/7", "PUT", { name: "Another" });
  await at.cloudHas((rows) => rows.some(({ person_name }) => person_name === "Another"));
  await at.cloudKnows((rows) => rows.some(({ name }) => name === "Another"));
});

Deno.test("A cloud of an earlier schema takes punches on time, and people, corrections and erasures once it can", async () => {
  await using at = await office();
  const { relay } = at;
  // The account is a member by now.
  await relay.iclock().post("ATTLOG", "6\t2026-10-05 08:00:00\n");
  await at.cloudHas((rows) => rows.length === 1);
  await cloud.ddl("DROP TABLE people, punch_corrections");
  try {
    await relay.iclock().post("ATTLOG", `${BOTH}8\t2026-10-05 09:00:00\n`);
    const punches = () =>
      cloud.sql<CloudPunch>("SELECT * FROM punches WHERE person_id <> '6' ORDER BY punched_at");
    await until(async () => {
      await relay.skip(11_000);
      return (await punches()).length === 3;
    }, "the punches");
    const [first] = await punches();
    await at.write("/punches/corrections", "POST", { kind: "strike", punch_id: first!.id, ...WHY });
    await at.write("/people/8", "PUT", { name: "Bo" });
    await at.write("/people/7/erase", "POST", undefined);
    await relay.skip(1_000);
    // What is heard of an erased person afterwards is in the cloud before the erasure is.
    await relay.iclock().post("ATTLOG", "7\t2026-10-05 09:18:00\n");
    const quietSince = relay.clock.now();
    await until(async () => {
      await relay.skip(11_000);
      return (await punches()).some(({ person_name }) => person_name === "Bo") &&
        (await punches()).length === 4;
    }, "the new punch");
    assert(relay.clock.now() - quietSince < 120_000, "other tables keep the schedule");
    assert.match(
      JSON.stringify(relay.warnings.list()),
      /clockblock schema supabase/,
    );
    // The renamed person and the erased one wait; the correction is erased.
    await until(() => relay.stream.outbox!.depth().rows === 2, "the cloud's answer");

    await cloud.ddl(schemaSql);
    at.remote.forget!();
    const people = await at.cloudKnows((rows) => rows.length === 2);
    assert.deepEqual(people.map(({ name, erased_at }) => [name, erased_at !== null]), [
      [null, true],
      ["Bo", false],
    ]);
    const ids = (rows: readonly CloudPunch[]) => rows.map(({ id }) => id).sort();
    const here = relay.punches().map(({ id }) => String(id)).sort();
    assert.equal(here.length, 3);
    const rows = await at.cloudHas((rows) => ids(rows).join() === here.join());
    assert.equal(rows.length, 3);
  } finally {
    await cloud.ddl(schemaSql);
  }
});

Deno.test("A stranger sees neither people nor corrections, changes none, and erases nobody", async () => {
  await using at = await office();
  await at.relay.iclock().post("ATTLOG", BOTH);
  await at.write("/people/7", "PUT", { name: "Ann" });
  const [first] = await at.cloudHas((rows) => rows.length === 2);
  await at.write("/punches/corrections", "POST", { kind: "strike", punch_id: first!.id, ...WHY });
  await at.cloudHas((rows) => rows[0]?.struck === true);
  const asBob = (sql: string) => cloud.sqlAs("authenticated", sql, { sub: cloud.bob.id });
  for (const table of ["people", "punch_corrections"]) {
    assert.deepEqual(await asBob(`SELECT * FROM ${table}`), []);
    await assert.rejects(
      cloud.sqlAs("anon", `SELECT * FROM ${table}`),
      /permission denied/,
    );
  }
  await assert.rejects(
    asBob(`INSERT INTO people (system_id, person_id, erased_at) VALUES ('pc-1', '7', now())
           ON CONFLICT (system_id, person_id) DO UPDATE SET erased_at = now()`),
    /row-level security/,
  );
  await assert.rejects(
    asBob("INSERT INTO people (system_id, person_id, erased_at) VALUES ('pc-1', '9', now())"),
    /row-level security/,
  );
  await asBob("UPDATE people SET erased_at = now()");
  await assert.rejects(asBob("SELECT erase_person()"), /permission denied|can only be called/);
  const [left] = await cloud.sql(
    `SELECT (SELECT count(*) FROM punches) AS punches,
       (SELECT count(*) FROM punch_corrections) AS corrections,
       (SELECT name FROM people) AS name`,
  );
  assert.deepEqual(left, { punches: 2, corrections: 1, name: "Ann" });
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
