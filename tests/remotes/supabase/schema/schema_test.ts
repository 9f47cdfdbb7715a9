/**
 * The cloud's schema on the real PostgreSQL, in projects of both worlds of default privileges: it may be run again,
 * sums heartbeats, makes partitions and answers from its indexes.
 * @module
 */
import assert from "node:assert/strict";
import { schemaSql } from "../../../../src/remotes/supabase/mod.ts";
import { playtimeFixture } from "../../../streams/playtime/playtime_fixture.ts";
import { Cloud } from "../../../support/servers/cloud.ts";
import { objectsOf } from "./schema_objects.ts";

const cloud = await Cloud.start({ grants: "new" });
const ALICE = { sub: cloud.alice.id };
const BOB = { sub: cloud.bob.id };

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Schema ${behaviour}`, async () => {
    await cloud.empty();
    await run();
  });
}

for (const grants of ["old", "new"] as const) {
  Deno.test(`Schema may be run again in a project of ${grants} grants: nothing changes`, async () => {
    await using project = await Cloud.start({ grants });
    await project.sql("INSERT INTO projects (id, system_id, name) VALUES ('p1', 's1', 'house')");
    const before = await objectsOf(project);
    const rows = await project.sql("SELECT * FROM projects");
    await project.sql(schemaSql);
    assert.deepEqual(await objectsOf(project), before);
    assert.deepEqual(await project.sql("SELECT * FROM projects"), rows);
  });
}

test("rolls heartbeats up to the agent's own figures, however they arrive", async () => {
  using agent = playtimeFixture({
    start: "2026-03-03T23:50:00.000Z",
    daily_allowance_min: 3,
    poll_interval_sec: 7,
  });
  await cloud.sql("INSERT INTO allowances SELECT 'pc-1', day, 3 FROM generate_series(1, 7) day");
  for (let look = 0; look < 200; look++) {
    agent.game = look % 7 < 4 ? "javaw.exe" : null;
    await agent.stream.pollOnce();
    await agent.clock.advance(7_000);
  }
  const { rows } = agent.stream.outbox.pending(1_000);
  assert.equal(rows.length, 200);
  // Newest first, in batches that overlap.
  for (let end = rows.length; end > 0; end -= 40) {
    await addHeartbeats(rows.slice(Math.max(0, end - 60), end));
  }
  const query =
    "SELECT date_utc, minutes_used, minutes_overdraft, last_heartbeat_at FROM daily_rollups ORDER BY 1";
  const here = agent.store.db.prepare(query).all();
  const there = await cloud.sql<{ last_heartbeat_at: Date }>(query);
  assert.equal(here.length, 2);
  assert.deepEqual(
    there.map((row) => ({ ...row, last_heartbeat_at: row.last_heartbeat_at.toISOString() })),
    here.map((row) => ({ ...row })),
  );
});

test("knows no allowance from an allowance of 0", async () => {
  // A Monday and the Tuesday after it.
  const days = ["2026-11-16", "2026-11-17"];
  const rollups = () =>
    cloud.sql(
      "SELECT minutes_allowed AS allowed, minutes_used AS used, minutes_overdraft AS overdraft FROM daily_rollups ORDER BY date_utc",
    );
  await addHeartbeats(days.map((day) => heartbeat(`${day}T12:00:00Z`)));
  const unlimited = { allowed: null, used: 1, overdraft: 0 };
  assert.deepEqual(await rollups(), [unlimited, unlimited]);
  await cloud.sql("INSERT INTO allowances VALUES ('pc-1', 1, 1.5)");
  await addHeartbeats(days.map((day) => heartbeat(`${day}T12:01:00Z`)));
  assert.deepEqual(await rollups(), [
    { allowed: 1.5, used: 2, overdraft: 0.5 },
    { allowed: 0, used: 2, overdraft: 2 },
  ]);
});

test("takes a grant as short as a phone writes it, stamps it itself, and refuses what is out of bounds", async () => {
  const grant = (columns: string, values: string) =>
    cloud.sqlAs(
      "authenticated",
      `INSERT INTO allowance_grants (system_id, device_id, date, ${columns})
       VALUES ('s1', 'pc-1', '2026-03-02', ${values}) RETURNING *, received_at > now() - interval '1 minute' AS fresh`,
      ALICE,
    );
  await register(ALICE, "s1");
  const [row] = await grant("extra_min, received_at", "30, '2020-01-01'");
  assert.match(String(row!.id), /^[0-9a-f-]{36}$/);
  assert.equal(row!.fresh, true);
  for (const minutes of ["1000000", "0", "'NaN'", "'Infinity'"]) {
    await assert.rejects(grant("extra_min", minutes), /allowance_grants_extra_min_check/);
  }
  await assert.rejects(grant("extra_min, reason", "5, repeat('x', 201)"), /reason_check/);
  await grant("extra_min, undoes", `-30, '${row!.id}'`);
  await assert.rejects(grant("extra_min, undoes", `-30, '${row!.id}'`), /allowance_grants_undoes/);
});

test("makes the first account the member of a new system, and no second one", async () => {
  assert.equal(await register(ALICE, "s1"), true);
  assert.equal(await register(ALICE, "s1"), true);
  assert.equal(await register(BOB, "s1"), false);
  assert.equal(await register({}, "s2"), false);
  assert.equal(await register(BOB, "s2"), true);
});

for (
  const [table, row] of Object.entries({
    heartbeats: "SELECT gen_random_uuid(), 's1', now(), true, 5",
    allowances: "SELECT 's1', 1, 60",
    daily_rollups: "SELECT 's1', '2026-01-01', 0, null, null, null, now()",
    allowance_grants: "SELECT 's1', 'g1', 'pc-1', now(), 30",
    devices: "SELECT 's1', 'pc-1', null, null, null, null, null, null, null, '{}', null, now()",
    punches: "SELECT 'id', 's1', 'sn', '7', null, 'at', 'UTC'",
    people: "SELECT 's1', '7'",
    punch_corrections: "SELECT 's1', 'c1', null, 'add', 'p1', '7', now(), null, 'forgot', 'Ann'",
    zoe_events:
      "SELECT gen_random_uuid(), 's1', null, 'paper', now(), 1, 'a', 'b', 'c', null, 'info', 'd', '{}', 'key'",
    zoe_health: "SELECT 's1', 'paper', now()",
    tasks: "SELECT 't1', 's1'",
    "records of your own": "",
  })
) {
  test(`gives no member to a system that has rows in ${table} already`, async () => {
    if (row === "") {
      await cloud.ddl("CREATE TABLE parts (part_no text PRIMARY KEY)");
      await cloud.sql(
        "SELECT clockblock_records('parts', 'part_no'); INSERT INTO parts VALUES ('1', 's1')",
      );
    } else if (table === "daily_rollups") {
      await cloud.sql(
        "INSERT INTO daily_rollups (device_id, date_utc, last_heartbeat_at) VALUES ('s1', now(), now())",
      );
    } else await cloud.sql(`INSERT INTO ${table} ${row}`);
    assert.equal(await register(ALICE, "s1"), false);
    assert.equal(await register(ALICE, "s2"), true);
    // Somebody who may decides.
    await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('s1', $1)", [
      ALICE.sub,
    ]);
    assert.equal(await register(ALICE, "s1"), true);
  });
}

test("lets nobody take a system over whose last member is gone", async () => {
  const guest = "00000000-0000-4000-8000-00000000000c";
  await cloud.sql("INSERT INTO auth.users (id) VALUES ($1)", [guest]);
  assert.equal(await register({ sub: guest }, "s1"), true);
  await cloud.sqlAs("authenticated", "INSERT INTO projects (id, system_id) VALUES ('p1', 's1')", {
    sub: guest,
  });
  await cloud.sql("DELETE FROM auth.users WHERE id = $1", [guest]);
  assert.equal(await register(BOB, "s1"), false);
});

test("puts heartbeats into their month, and makes months once", async () => {
  await cloud.sql("SELECT make_heartbeat_partitions(); SELECT make_heartbeat_partitions();");
  await cloud.sql(
    `INSERT INTO heartbeats SELECT gen_random_uuid(), 's1', at, true, 5, null
     FROM unnest(ARRAY[now(), now() + interval '32 days', '2001-01-01'::timestamptz]) at`,
  );
  const places = await cloud.sql<{ place: string }>(
    "SELECT tableoid::regclass::text AS place FROM heartbeats ORDER BY timestamp_utc",
  );
  assert.equal(places[0]?.place, "heartbeats_default");
  assert.equal(new Set(places.map(({ place }) => place)).size, 3);
  const plan = await explained(
    "SELECT * FROM heartbeats WHERE timestamp_utc >= now() AND timestamp_utc < now() + interval '1 hour'",
  );
  assert.match(plan, /heartbeats_20\d\d_\d\d/);
});

test("answers the agent's queries from its indexes", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name)
       SELECT 'p' || n, 's' || n % 10, 'x' FROM generate_series(1, 40000) n;
     INSERT INTO zoe_events (id, system_id, mode, ts, seq, source, type, subtype, body, idempotency_key)
       SELECT gen_random_uuid(), 's' || n % 50, 'paper', now(), n, 'a', 'b', 'c', 'd', n::text
       FROM generate_series(1, 20000) n;
     INSERT INTO heartbeats SELECT gen_random_uuid(), 's' || n % 50, now() + n * interval '5 s', true, 5, null
       FROM generate_series(1, 20000) n;
     INSERT INTO punches (id, system_id, device_sn, person_id, punched_at, device_time, time_zone)
       SELECT n::text, 's' || n % 50, 'sn', n::text, now(), 't', 'z' FROM generate_series(1, 20000) n;
     INSERT INTO daily_rollups (device_id, date_utc, last_heartbeat_at)
       SELECT 'd' || n % 50, '2020-01-01'::date + n / 50, now() FROM generate_series(1, 20000) n;
     INSERT INTO devices (system_id, device_id, last_seen)
       SELECT 's' || n % 10000, n::text, now() FROM generate_series(1, 20000) n;
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
      /Index Scan using heartbeats_\d{4}_\d\d_pkey/,
    ],
    [
      "SELECT * FROM zoe_events WHERE system_id = 's7' AND mode = 'paper' ORDER BY seq DESC LIMIT 50",
      /zoe_events_mode_seq/,
    ],
    [
      "SELECT * FROM punches WHERE system_id = 's7' AND punched_at > now() + interval '1 day'",
      /punches_system_time/,
    ],
    [
      "DELETE FROM projects WHERE deleted_at IS NOT NULL AND received_at < now() - interval '90 days'",
      /projects_tombstones/,
    ],
  ];
  for (const [query, index] of queries) {
    const plan = await explained(query);
    assert.match(plan, index, `${query}\n${plan}`);
    assert.doesNotMatch(plan, /Seq Scan on projects/, query);
  }
  // Under row-level security the policy must not cost the index.
  await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('s7', $1)", [ALICE.sub]);
  const [pulled] = queries;
  assert.match(await explained(pulled![0], ALICE), pulled![1]);
  // All machines of an account, in a project that has many more.
  assert.match(await explained("SELECT * FROM devices ORDER BY last_seen", ALICE), /devices_pkey/);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function register(claims: { sub?: string }, system: string): Promise<boolean | undefined> {
  const [row] = await cloud.sqlAs<{ is_member: boolean }>(
    "authenticated",
    `SELECT register_system('${system}') AS is_member`,
    claims,
  );
  return row?.is_member;
}

function heartbeat(timestamp_utc: string): Record<string, unknown> {
  return {
    id: crypto.randomUUID(),
    device_id: "pc-1",
    timestamp_utc,
    is_playing: true,
    poll_interval_sec: 60,
  };
}

/** As a push adds them. */
async function addHeartbeats(rows: readonly object[]): Promise<void> {
  await cloud.sql(
    `INSERT INTO heartbeats SELECT * FROM json_populate_recordset(null::heartbeats, $1)
     ON CONFLICT (device_id, timestamp_utc, id) DO NOTHING`,
    [JSON.stringify(rows)],
  );
}

/** The plan of a query, by the owner or by an account. */
async function explained(query: string, claims?: { sub: string }): Promise<string> {
  const text = `EXPLAIN ${query}`;
  const rows = claims === undefined
    ? await cloud.sql<{ "QUERY PLAN": string }>(text)
    : await cloud.sqlAs<{ "QUERY PLAN": string }>("authenticated", text, claims);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}
