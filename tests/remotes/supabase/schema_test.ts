/**
 * The cloud's schema on Debian's PostgreSQL, with roles and `auth.uid()` as Supabase defines them, and on PGlite.
 * @module
 */
import assert from "node:assert/strict";
import { PGlite } from "@electric-sql/pglite";
import { schema } from "../../../src/remotes/supabase/mod.ts";
import { playtimeFixture } from "../../streams/playtime/playtime_fixture.ts";
import { postgresBin, startPostgres, SUPABASE_STUB } from "../../support/postgres.ts";

interface Database extends AsyncDisposable {
  version: string;
  run(script: string): Promise<void>;
  rows<Row = Record<string, unknown>>(query: string): Promise<Row[]>;
}

const ALICE = "00000000-0000-4000-8000-00000000000a";
const BOB = "00000000-0000-4000-8000-00000000000b";

const bin = postgresBin();
const postgres = bin === undefined ? undefined : await startPostgres(bin);
const databases: [string, Database | undefined][] = [
  [
    postgres
      ? `PostgreSQL ${postgres.version}`
      : "PostgreSQL (skipped: install the package postgresql)",
    postgres,
  ],
  ["PGlite", await pglite()],
];

for (const [name, database] of databases) {
  await database?.run(SUPABASE_STUB);
  await database?.run(`INSERT INTO auth.users VALUES ('${ALICE}', 'alice'), ('${BOB}', 'bob')`);
  await database?.run(schema);

  const test = (behaviour: string, run: (db: Database) => Promise<void>) =>
    Deno.test({
      name: `Schema on ${name} ${behaviour}`,
      ignore: database === undefined,
      async fn() {
        await database!.run(
          `TRUNCATE system_members, heartbeats, allowances, daily_rollups, punches, zoe_events, zoe_health,
             projects, tasks, results`,
        );
        await run(database!);
      },
    });

  test("may be run again: nothing changes", async (db) => {
    await db.run("INSERT INTO projects (id, system_id, name) VALUES ('p1', 's1', 'house')");
    const before = await objects(db);
    await db.run(schema);
    assert.deepEqual(await objects(db), before);
    assert.equal((await db.rows("SELECT 1 FROM projects")).length, 1);
  });

  test("rolls heartbeats up to the agent's own figures, however they arrive", async (db) => {
    using agent = playtimeFixture({
      start: "2026-03-03T23:50:00.000Z",
      allowance: 3,
      pollIntervalSec: 7,
    });
    await db.run(
      `INSERT INTO allowances SELECT 'pc-1', day, 3 FROM generate_series(1, 7) day`,
    );
    for (let look = 0; look < 200; look++) {
      agent.game = look % 7 < 4 ? "javaw.exe" : null;
      await agent.stream.pollOnce();
      await agent.clock.advance(7_000);
    }
    const { rows } = agent.stream.outbox.pending(1_000);
    assert.equal(rows.length, 200);
    // Newest first, in batches that overlap.
    for (let end = rows.length; end > 0; end -= 40) {
      const batch = rows.slice(Math.max(0, end - 60), end);
      await db.run(
        `INSERT INTO heartbeats SELECT * FROM json_populate_recordset(null::heartbeats, ${
          literal(JSON.stringify(batch))
        }) ON CONFLICT (id, timestamp_utc) DO NOTHING`,
      );
    }
    const here = agent.store.db.prepare(
      `SELECT date_utc, minutes_used, minutes_overdraft, last_heartbeat_at FROM daily_rollups ORDER BY 1`,
    ).all();
    const there = await db.rows<Record<string, unknown>>(
      `SELECT date_utc, minutes_used, minutes_overdraft, last_heartbeat_at FROM daily_rollups ORDER BY 1`,
    );
    assert.equal(here.length, 2);
    assert.deepEqual(
      there.map((row) => ({
        ...row,
        last_heartbeat_at: new Date(String(row.last_heartbeat_at)).toISOString(),
      })),
      here.map((row) => ({ ...row })),
    );
  });

  test("lets the last write win, and puts a stamp from the future right", async (db) => {
    const write = (name: string, stamp: string) =>
      db.run(
        `INSERT INTO projects (id, system_id, name, updated_at) VALUES ('p1', 's1', '${name}', ${stamp})
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at`,
      );
    const now = async () =>
      (await db.rows<{ name: string; ahead: boolean }>(
        "SELECT name, updated_at > now() + interval '1 second' AS ahead FROM projects",
      ))[0];
    await write("first", "now() - interval '1 hour'");
    await write("older", "now() - interval '2 hours'");
    assert.deepEqual(await now(), { name: "first", ahead: false });
    await write("newer", "now() - interval '30 minutes'");
    assert.deepEqual(await now(), { name: "newer", ahead: false });
    await write("tomorrow", "now() + interval '1 day'");
    assert.deepEqual(await now(), { name: "tomorrow", ahead: false });
    await db.run("UPDATE projects SET name = 'by a web page'");
    assert.equal((await now())?.name, "by a web page");
  });

  test("shows an account its own systems only, and lets it write to no other", async (db) => {
    await db.run(`${as(ALICE)} SELECT register_system('s1');`);
    await db.run(`${as(BOB)} SELECT register_system('s2');`);
    const taken = await db.rows<{ taken: boolean }>(
      `${as(BOB)} SELECT register_system('s1') AS taken`,
    );
    assert.deepEqual(taken, [{ taken: false }]);
    for (const [table, column] of TABLES) {
      const row = insertOf(table, column);
      await db.run(`${as(ALICE)} ${row("s1", 1)}`);
      await assert.rejects(db.run(`${as(BOB)} ${row("s1", 2)}`), /row-level security/, table);
      await assert.rejects(db.run(`SET ROLE anon; ${row("s1", 3)}`), /row-level security/, table);
      await db.run("RESET ROLE");
      const seen = async (role: string) => (await db.rows(`${role} SELECT 1 FROM ${table}`)).length;
      assert.deepEqual(
        [await seen(as(ALICE)), await seen(as(BOB)), await seen("SET ROLE anon;")],
        [1, 0, 0],
        table,
      );
      await db.run("RESET ROLE");
    }
    // A partition asked for by its own name is no way round.
    const parts = await db.rows<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'heartbeats'::regclass",
    );
    for (const { name } of parts) {
      assert.deepEqual(await db.rows(`${as(BOB)} SELECT 1 FROM ${name}`), [], name);
    }
    await db.run("RESET ROLE");
  });

  test("purges tombstones that are old enough, and nothing else", async (db) => {
    await db.run(
      `INSERT INTO projects (id, system_id, deleted_at) VALUES
         ('old', 's1', now() - interval '91 days'), ('fresh', 's1', now()), ('there', 's1', null);
       INSERT INTO tasks (id, system_id, deleted_at) VALUES ('old', 's1', now() - interval '91 days')`,
    );
    assert.deepEqual(await db.rows("SELECT purge_tombstones() AS gone"), [{ gone: 2 }]);
    const left = await db.rows("SELECT id FROM projects ORDER BY id");
    assert.deepEqual(left, [{ id: "fresh" }, { id: "there" }]);
  });

  test("puts heartbeats into their month, and makes months once", async (db) => {
    await db.run("SELECT make_heartbeat_partitions(); SELECT make_heartbeat_partitions();");
    await db.run(
      `INSERT INTO heartbeats SELECT gen_random_uuid(), 's1', at, true, 5, null
       FROM unnest(ARRAY[now(), now() + interval '32 days', '2001-01-01'::timestamptz]) at`,
    );
    const places = await db.rows<{ place: string }>(
      "SELECT tableoid::regclass::text AS place FROM heartbeats ORDER BY timestamp_utc",
    );
    assert.equal(places[0]?.place, "heartbeats_default");
    assert.equal(new Set(places.map(({ place }) => place)).size, 3);
    const plan = await explained(
      db,
      "SELECT * FROM heartbeats WHERE timestamp_utc >= now() AND timestamp_utc < now() + interval '1 hour'",
    );
    assert.match(plan, /heartbeats_20\d\d_\d\d/);
  });

  test("answers the agent's queries from its indexes", async (db) => {
    await db.run(
      `INSERT INTO projects (id, system_id, name)
         SELECT 'p' || n, 's' || n % 50, 'x' FROM generate_series(1, 20000) n;
       INSERT INTO zoe_events (id, system_id, mode, ts, seq, source, type, subtype, body, idempotency_key)
         SELECT gen_random_uuid(), 's' || n % 50, 'paper', now(), n, 'a', 'b', 'c', 'd', n::text
         FROM generate_series(1, 20000) n;
       INSERT INTO heartbeats SELECT gen_random_uuid(), 's' || n % 50, now() + n * interval '5 s', true, 5, null
         FROM generate_series(1, 20000) n;
       INSERT INTO punches (id, system_id, device_sn, person_id, punched_at, device_time, time_zone)
         SELECT n::text, 's' || n % 50, 'sn', n::text, now(), 't', 'z' FROM generate_series(1, 20000) n;
       INSERT INTO daily_rollups (device_id, date_utc, last_heartbeat_at)
         SELECT 'd' || n % 50, '2020-01-01'::date + n / 50, now() FROM generate_series(1, 20000) n;
       ANALYZE;`,
    );
    const queries: [string, RegExp][] = [
      // The first page of a pull, and those that follow.
      [
        "SELECT * FROM projects WHERE system_id = 's7' ORDER BY received_at, id LIMIT 1000",
        /projects_pull/,
      ],
      [
        `SELECT * FROM projects WHERE system_id = 's7'
           AND (received_at > now() OR (received_at = now() AND id > 'p'))
         ORDER BY received_at, id LIMIT 1000`,
        /projects_pull/,
      ],
      ["SELECT * FROM daily_rollups WHERE device_id = 's7' AND date_utc = '2026-01-01'", /_pkey/],
      [
        `SELECT * FROM heartbeats WHERE device_id = 's7' AND timestamp_utc > now()
         ORDER BY timestamp_utc LIMIT 100`,
        /Index Scan.*device_id_timestamp/s,
      ],
      [
        "SELECT * FROM zoe_events WHERE system_id = 's7' AND mode = 'paper' ORDER BY seq DESC LIMIT 50",
        /zoe_events_mode_seq/,
      ],
      [
        "SELECT * FROM punches WHERE system_id = 's7' AND punched_at > now() + interval '1 day'",
        /punches_system_time/,
      ],
      ["DELETE FROM projects WHERE deleted_at < now() - interval '90 days'", /projects_tombstones/],
    ];
    for (const [query, index] of queries) {
      const plan = await explained(db, query);
      assert.match(plan, index, `${query}\n${plan}`);
      assert.doesNotMatch(plan, /Seq Scan on projects/, query);
    }
    // Under row-level security the policy must not cost the index.
    await db.run(`${as(ALICE)} SELECT register_system('s7');`);
    const [pulled] = queries;
    assert.match(await explained(db, pulled![0], as(ALICE)), pulled![1]);
    await db.run("RESET ROLE");
  });
}

Deno.test.afterAll(async () => {
  for (const [, database] of databases) await database?.[Symbol.asyncDispose]();
});

/** Tables with row-level security, and the column that says whose a row is. */
const TABLES: readonly (readonly [string, string])[] = [
  ["heartbeats", "device_id"],
  ["punches", "system_id"],
  ["zoe_events", "system_id"],
  ["zoe_health", "system_id"],
  ["projects", "system_id"],
  ["tasks", "system_id"],
  ["results", "system_id"],
];

const VALUES: Readonly<Record<string, string>> = {
  heartbeats: "timestamp_utc, is_playing, poll_interval_sec, id) VALUES (now(), true, 5, $id, ",
  punches: "device_sn, person_id, device_time, time_zone, id) VALUES ('a', 'b', 'c', 'd', $id, ",
  zoe_events: "mode, ts, seq, source, type, subtype, body, idempotency_key, id) " +
    "VALUES ('paper', now(), 1, 'a', 'b', 'c', 'd', $id, $id, ",
  zoe_health: "last_flush_ts, mode) VALUES (now(), $id, ",
};

function insertOf(table: string, column: string): (system: string, n: number) => string {
  return (system, n) => {
    const values = VALUES[table] ?? "id) VALUES ($id, ";
    const id = `'00000000-0000-4000-8000-00000000000${n}'`;
    return `INSERT INTO ${table} (${column}, ${values.replaceAll("$id", id)}`
      .replace(/VALUES \((.*), $/, (_, list: string) => `VALUES ('${system}', ${list});`);
  };
}

/** In the name of an account, as PostgREST does it. */
function as(user: string): string {
  return `RESET ROLE; SET ROLE authenticated; SET request.jwt.claims = '{"sub":"${user}"}';`;
}

async function explained(db: Database, query: string, role = ""): Promise<string> {
  await db.run(
    `RESET ROLE;
     CREATE OR REPLACE FUNCTION explained(query text) RETURNS SETOF text LANGUAGE plpgsql AS
     $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$`,
  );
  const rows = await db.rows<{ line: string }>(
    `${role} SELECT explained(${literal(query)}) AS line`,
  );
  return rows.map(({ line }) => line).join("\n");
}

async function objects(db: Database): Promise<unknown[]> {
  return await db.rows(
    `SELECT relname::text AS name, relkind::text AS kind FROM pg_class WHERE relnamespace = 'public'::regnamespace
     UNION ALL SELECT proname::text, 'f' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
     UNION ALL SELECT polname::text, 'p' FROM pg_policy
     UNION ALL SELECT tgrelid::regclass || tgname, 't' FROM pg_trigger WHERE NOT tgisinternal
     UNION ALL SELECT tablename::text, 'r' FROM pg_publication_tables ORDER BY 1, 2`,
  );
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function pglite(): Promise<Database> {
  const db = await PGlite.create();
  await db.exec("SET TIME ZONE 'UTC'");
  return {
    version: "PGlite",
    run: async (script) => void await db.exec(script),
    async rows<Row>(query: string): Promise<Row[]> {
      const statements = query.trim().replace(/;$/, "");
      const at = statements.lastIndexOf(";") + 1;
      if (at > 0) await db.exec(statements.slice(0, at));
      const { rows } = await db.query<{ body: string }>(
        `SELECT coalesce(json_agg(t), '[]')::text AS body FROM (${statements.slice(at)}) t`,
      );
      return JSON.parse(rows[0]!.body) as Row[];
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}
