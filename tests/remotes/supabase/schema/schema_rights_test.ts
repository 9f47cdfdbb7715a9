/**
 * Who may do what in the cloud, through PostgREST, for every table, partition and function that the catalog names, in
 * projects of both worlds of default privileges.
 * @module
 */
import assert from "node:assert/strict";
import { Cloud } from "../../../support/servers/cloud.ts";
import { askRest, type Caller, callerOf, type RestRequest } from "../rest.ts";

const VERBS = ["select", "insert", "update", "delete"] as const;
type Verb = (typeof VERBS)[number];

interface Rights {
  /** The column that says whose a row is. */
  owner: string;
  /** What members may. */
  verbs: readonly Verb[];
  /** The other columns of a row. */
  row: Readonly<Record<string, unknown>>;
  /** What an update changes. */
  edit: Readonly<Record<string, unknown>>;
}

const AT = "2026-11-21T12:00:00Z";
const ID = "00000000-0000-4000-8000-000000000001";
const RECORD: Rights = {
  owner: "system_id",
  verbs: VERBS,
  row: { id: "r1", data: { a: 1 } },
  edit: { status: "done" },
};

/** All tables of the schema; one that is missing here fails the test. */
const TABLES: Readonly<Record<string, Rights>> = {
  system_members: {
    owner: "system_id",
    verbs: ["select"],
    row: {},
    edit: { joined_at: AT },
  },
  heartbeats: {
    owner: "device_id",
    verbs: ["select", "insert"],
    row: { id: ID, timestamp_utc: AT, is_playing: true, poll_interval_sec: 5 },
    edit: { is_playing: false },
  },
  allowances: {
    owner: "device_id",
    verbs: VERBS,
    row: { weekday: 1, minutes: 60 },
    edit: { minutes: 90 },
  },
  daily_rollups: {
    owner: "device_id",
    verbs: ["select"],
    row: { date_utc: "2026-11-20", last_heartbeat_at: AT },
    edit: { seconds_used: 0 },
  },
  allowance_grants: {
    owner: "system_id",
    verbs: ["select", "insert"],
    row: { id: "g1", device_id: "d1", date: "2026-11-20", extra_min: 30 },
    edit: { extra_min: 60 },
  },
  devices: {
    owner: "system_id",
    verbs: ["select", "insert", "update"],
    row: { device_id: "d1", last_seen: AT },
    edit: { version: "9" },
  },
  punches: {
    owner: "system_id",
    verbs: ["select", "insert", "update"],
    row: { id: "p1", device_sn: "sn", person_id: "7", device_time: "12:00", time_zone: "UTC" },
    edit: { time_zone: "Asia/Kolkata" },
  },
  people: {
    owner: "system_id",
    verbs: ["select", "insert", "update"],
    row: { person_id: "7", name: "Ann" },
    edit: { name: "Bo" },
  },
  punch_corrections: {
    owner: "system_id",
    verbs: ["select", "insert"],
    row: {
      ...{ id: "c1", kind: "strike", punch_id: "p1", person_id: "7", punched_at: AT },
      ...{ reason: "forgot", made_by: "Ann" },
    },
    edit: { reason: "changed" },
  },
  zoe_events: {
    owner: "system_id",
    verbs: ["select", "insert"],
    row: {
      ...{ id: ID, mode: "paper", ts: AT, seq: 1, source: "a", type: "b", subtype: "c" },
      ...{ body: "d", idempotency_key: "fill-1" },
    },
    edit: { body: "changed" },
  },
  zoe_health: {
    owner: "system_id",
    verbs: ["select", "insert", "update"],
    row: { mode: "paper", last_flush_ts: AT },
    edit: { last_flush_ts: "2026-11-21T12:01:00Z" },
  },
  projects: RECORD,
  tasks: RECORD,
  results: RECORD,
  // A table of an account's own, its key from a sequence; with a name that has to be quoted.
  'Odd "parts"': {
    owner: "system_id",
    verbs: VERBS,
    row: { price: 1 },
    edit: { price: 2 },
  },
};

/** What each function is called with, and which roles may. Triggers are no functions to PostgREST. */
const FUNCTIONS: Readonly<Record<string, { by: readonly string[]; args: object }>> = {
  is_member: { by: ["authenticated"], args: { of_system: "s-bob" } },
  my_systems: { by: ["authenticated"], args: {} },
  register_system: { by: ["authenticated"], args: { new_system: "s-bob" } },
  make_heartbeat_partitions: { by: [], args: { months_ahead: 1 } },
  purge_tombstones: { by: [], args: { older_than: "0 days" } },
  clockblock_records: { by: [], args: { table_name: "projects" } },
  clockblock_allow: { by: [], args: { target: "projects", owner: "id", verbs: ["select"] } },
  clockblock_record_tables: { by: [], args: {} },
  granted_minutes: { by: [], args: { of_device: "s-bob", of_day: "2026-03-02" } },
  clockblock_foreign_keys: { by: [], args: { of_child: "tasks" } },
};

for (const grants of ["old", "new"] as const) {
  Deno.test(`Rights in a project of ${grants} grants`, async (t) => {
    await using cloud = await Cloud.start({ grants });
    await cloud.ddl(
      `CREATE TABLE "Odd ""parts""" (id bigserial PRIMARY KEY, price numeric);
       SELECT clockblock_records('Odd "parts"');
       SELECT make_heartbeat_partitions(5);
       INSERT INTO system_members (system_id, user_id)
         VALUES ('s-alice', '${cloud.alice.id}'), ('s-bob', '${cloud.bob.id}');`,
    );
    const alice = await callerOf(cloud, "alice");
    const bob = await callerOf(cloud, "bob");
    const anon = await callerOf(cloud, "anon");
    const service = await callerOf(cloud, "service_role");
    const ask = (caller: Caller, path: string, request: RestRequest = {}) =>
      askRest(cloud, caller, { path, ...request });
    const act = (caller: Caller, verb: Verb, table: string, system: string) => {
      const { owner, row, edit } = TABLES[table]!;
      const path = encodeURIComponent(table);
      const where = `${path}?${owner}=eq.${system}`;
      switch (verb) {
        case "select":
          return ask(caller, where);
        case "insert":
          return ask(caller, path, { method: "POST", body: { [owner]: system, ...row } });
        case "update":
          return ask(caller, where, { method: "PATCH", body: edit });
        case "delete":
          return ask(caller, where, { method: "DELETE" });
      }
    };
    const all = () =>
      Promise.all(
        Object.keys(TABLES).map((table) =>
          cloud.sql(`SELECT * FROM "${table.replaceAll('"', '""')}" t ORDER BY t`)
        ),
      );

    await t.step("the catalog has no table or function that is not tried", async () => {
      const names = await cloud.sql<{ name: string }>(
        `SELECT relname::text AS name FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition`,
      );
      assert.deepEqual(
        names.map(({ name }) => name).sort(),
        [...Object.keys(TABLES), "fleet"].sort(),
      );
      const functions = await cloud.sql<{ name: string }>(
        `SELECT proname::text AS name FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype`,
      );
      assert.deepEqual(functions.map(({ name }) => name).sort(), Object.keys(FUNCTIONS).sort());
    });

    for (const [table, { verbs }] of Object.entries(TABLES)) {
      await t.step(`a member does with ${table} what is meant, and nothing else`, async () => {
        const outcome: Record<string, unknown> = {};
        for (const verb of ["insert", "select", "update", "delete"] as const) {
          const { status, code, rows } = await act(alice, verb, table, "s-alice");
          outcome[verb] = status < 300 ? (verb === "delete" ? "done" : rows.length) : code;
        }
        const expected = (verb: Verb) =>
          !verbs.includes(verb) ? "42501" : verb === "delete" ? "done" : 1;
        assert.deepEqual(
          outcome,
          Object.fromEntries(VERBS.map((verb) => [verb, expected(verb)])),
          JSON.stringify(outcome),
        );
      });
    }

    await t.step("the service key does everything", async () => {
      for (const table of Object.keys(TABLES)) {
        if (table === "system_members") continue;
        for (const verb of ["insert", "select", "update", "delete"] as const) {
          const { status, text } = await act(service, verb, table, "s-service");
          assert.ok(status < 300, `${verb} ${table}: ${text}`);
        }
      }
    });

    await t.step("nobody else reads, adds, changes or deletes a row of an account", async () => {
      for (const table of Object.keys(TABLES)) {
        if (table !== "system_members") {
          assert.equal((await act(service, "insert", table, "s-bob")).status, 201, table);
        }
      }
      const before = await all();
      for (const [table, { verbs }] of Object.entries(TABLES)) {
        for (const verb of VERBS) {
          const what = `${verb} ${table}`;
          const stranger = await act(anon, verb, table, "s-bob");
          assert.deepEqual([stranger.status, stranger.code], [401, "42501"], `anon: ${what}`);
          const { status, code, rows, text } = await act(alice, verb, table, "s-bob");
          if (!verbs.includes(verb) || verb === "insert") {
            assert.deepEqual([status, code], [403, "42501"], `alice: ${what}`);
            const reason = verbs.includes(verb) ? /row-level security/ : /permission denied/;
            assert.match(text, reason, what);
          } else assert.deepEqual([status, rows], [200, []], `alice: ${what}`);
        }
        // Nor does she give a row of hers away.
        if (verbs.includes("update")) {
          const { owner } = TABLES[table]!;
          const given = await ask(
            alice,
            `${encodeURIComponent(table)}?${owner}=eq.s-alice`,
            { method: "PATCH", body: { [owner]: "s-bob" } },
          );
          assert.ok(given.code === "42501" || given.rows.length === 0, `${table}: ${given.text}`);
        }
      }
      assert.deepEqual(await all(), before);
      assert.equal((await act(bob, "select", "heartbeats", "s-bob")).rows.length, 1);
    });

    await t.step(
      "the view of a fleet shows a member's own machines, and takes no write",
      async () => {
        const machines = async (caller: Caller) =>
          (await ask(caller, "fleet")).rows.map(({ system_id }) => system_id);
        assert.deepEqual(await machines(alice), ["s-alice"]);
        assert.deepEqual(await machines(bob), ["s-bob"]);
        assert.equal((await ask(anon, "fleet")).code, "42501");
        for (const method of ["POST", "PATCH", "DELETE"]) {
          const where = "fleet?system_id=eq.s-alice&device_id=eq.d1";
          const { code } = await ask(alice, where, { method, body: { system_id: "s-alice" } });
          assert.ok(code === "42501" || code === "55000", `${method}: ${code}`);
        }
      },
    );

    await t.step("partitions are shut to all accounts, also those made later", async () => {
      const made = await ask(service, "rpc/make_heartbeat_partitions", {
        method: "POST",
        body: { months_ahead: 7 },
      });
      assert.equal(made.status, 204, made.text);
      const partitions = await cloud.sql<{ name: string }>(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'heartbeats'::regclass",
      );
      assert.equal(partitions.length, 9);
      for (const { name } of partitions) {
        for (const caller of ["anon", "authenticated"]) {
          for (const verb of VERBS) {
            const [may] = await cloud.sql<{ may: boolean }>(
              `SELECT has_table_privilege('${caller}', '${name}', '${verb}') AS may`,
            );
            assert.equal(may?.may, false, `${caller} ${verb} ${name}`);
          }
        }
        const read = cloud.sqlAs("authenticated", `SELECT * FROM ${name}`, { sub: cloud.alice.id });
        await assert.rejects(read, { code: "42501" }, name);
        await cloud.sqlAs("service_role", `SELECT * FROM ${name}`);
      }
    });

    await t.step("no account does what no policy can limit", async () => {
      const [tables] = await cloud.sql(
        `SELECT count(*) FILTER (WHERE NOT relrowsecurity) AS open,
           count(*) FILTER (WHERE has_table_privilege('anon', oid, 'truncate, references, trigger')
             OR has_table_privilege('authenticated', oid, 'truncate, references, trigger')) AS loose
         FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
      );
      assert.deepEqual(tables, { open: 0, loose: 0 });
    });

    await t.step("a function is called by whom it is for", async () => {
      for (const [name, { by, args }] of Object.entries(FUNCTIONS)) {
        const call = (caller: Caller) => ask(caller, `rpc/${name}`, { method: "POST", body: args });
        const stranger = await call(anon);
        assert.deepEqual([stranger.status, stranger.code], [401, "42501"], name);
        const member = await call(alice);
        if (by.includes("authenticated")) assert.equal(member.status, 200, member.text);
        else assert.deepEqual([member.status, member.code], [403, "42501"], name);
      }
      for (const name of ["is_member", "register_system"]) {
        const { args } = FUNCTIONS[name]!;
        const answer = await ask(alice, `rpc/${name}`, { method: "POST", body: args });
        assert.equal(answer.text, "false", name);
      }
      assert.equal(
        (await ask(service, "rpc/purge_tombstones", { method: "POST", body: {} })).status,
        200,
      );
      const [triggers] = await cloud.sql<{ callable: number; all: number }>(
        `SELECT count(*) FILTER (WHERE has_function_privilege('anon', oid, 'execute')
             OR has_function_privilege('authenticated', oid, 'execute')) AS callable, count(*) AS all
         FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype`,
      );
      assert.deepEqual(triggers, { callable: 0, all: 10 });
    });

    await t.step("a sequence is used by who may add rows", async () => {
      const sequences = await cloud.sql(
        `SELECT has_sequence_privilege('anon', oid, 'usage, select, update') AS anon,
           has_sequence_privilege('authenticated', oid, 'usage') AS member,
           has_sequence_privilege('authenticated', oid, 'select, update') AS member_more
         FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace`,
      );
      assert.deepEqual(sequences, [{ anon: false, member: true, member_more: false }]);
    });

    await t.step(
      "functions with their owner's rights look in no schema but those they name",
      async () => {
        const loose = await cloud.sql(
          `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
           AND NOT coalesce(proconfig @> ARRAY['search_path=""'], false)`,
        );
        assert.deepEqual(loose, []);
      },
    );
  });
}
