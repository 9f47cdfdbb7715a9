/**
 * What arrives in the tables of the cloud, and what their rules make of a push.
 * @module
 */
import assert from "node:assert/strict";
import { type OutboxBatch, RemoteError, type Row } from "../../../src/core/mod.ts";
import { verdictOf } from "../../../src/sync/errors.ts";
import { memoryTokenStore } from "../../../src/remotes/supabase/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";

// A project that lets its users at every table: these tests make some of their own.
const cloud = await Cloud.start({ grants: "old" });
const { signal } = new AbortController();

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Push to Supabase ${behaviour}`, async () => {
    await cloud.empty();
    await run();
  });
}

test("brings heartbeats, and the cloud's rollups count each once", async () => {
  const remote = supabaseOn(cloud);
  const rows = [true, true, false].map((playing, n) => heartbeat({ is_playing: playing, n }));
  await remote.push(heartbeats(rows.slice(0, 2)), { signal });
  await remote.push(heartbeats(rows), { signal });
  const [day] = await cloud.sql("SELECT * FROM daily_rollups");
  assert.equal(day?.minutes_used, 10 / 60);
  assert.equal(
    (await cloud.sql("SELECT process_name FROM heartbeats"))[0]?.process_name,
    "javaw.exe",
  );
});

test("brings punches with the system they belong to", async () => {
  const remote = supabaseOn(cloud);
  await remote.push(batch("punches", [{ id: "a".repeat(64), ...PUNCH }], "attendance"), { signal });
  const [punch] = await cloud.sql("SELECT system_id, person_id, mode, raw FROM punches");
  assert.deepEqual(punch, { system_id: "pc-1", person_id: "7", mode: "1", raw: '{"enrollid":7}' });
});

test("brings a machine's row to a schema without its newer columns, and stamps it by the server's clock", async () => {
  const lacking: string[][] = [];
  const onLacking = (_: string, columns: readonly string[]) => void lacking.push([...columns]);
  const row = {
    id: "pc-1",
    device_id: "pc-1",
    minutes_today: 90,
    minutes_left: 30,
    granted_min: 15,
  };
  const push = () =>
    supabaseOn(cloud, { onLacking }).push(
      batch("devices", [{ ...row, last_seen: "2001-01-01T00:00:00.000Z" }], "playtime"),
      { signal },
    );
  await cloud.ddl(
    "ALTER TABLE devices RENAME granted_min TO g; ALTER TABLE devices RENAME minutes_left TO l",
  );
  try {
    assert.deepEqual((await push()).accepted, ["pc-1"]);
    assert.deepEqual(lacking.at(-1), ["granted_min", "minutes_left"]);
  } finally {
    await cloud.ddl(
      "ALTER TABLE devices RENAME g TO granted_min; ALTER TABLE devices RENAME l TO minutes_left",
    );
  }
  await push();
  assert.deepEqual(
    await cloud.sql(
      `SELECT minutes_today, minutes_left, granted_min, received_at > now() - interval '1 minute' AS stamped
       FROM devices`,
    ),
    [{ minutes_today: 90, minutes_left: 30, granted_min: 15, stamped: true }],
  );
});

test("brings events once by their idempotency key, and the health row as it is now", async () => {
  const remote = supabaseOn(cloud);
  await remote.push(batch("zoe_events", [event(1), event(2)], "events"), { signal });
  const again = { ...event(2), id: crypto.randomUUID() };
  await remote.push(batch("zoe_events", [again, event(3)], "events"), { signal });
  const events = await cloud.sql("SELECT seq, system_id, device_id, meta FROM zoe_events");
  assert.deepEqual(events.map(({ seq }) => seq), [1, 2, 3]);
  assert.ok(events.every(({ device_id }) => device_id === "pc-1"));
  assert.deepEqual(events[0]!.meta, { price: { at: 1.5 } });
  for (const minute of ["01", "02"]) {
    const health = { id: "paper", mode: "paper", last_flush_ts: `2026-11-21T00:${minute}:00.000Z` };
    await remote.push(batch("zoe_health", [health], "events"), { signal });
  }
  const health = await cloud.sql(
    "SELECT system_id, mode, last_flush_ts::text AS at FROM zoe_health",
  );
  assert.deepEqual(health, [{ system_id: "pc-1", mode: "paper", at: "2026-11-21 00:02:00+00" }]);
});

test("brings records, and the last write wins, not the last to arrive", async () => {
  const remote = supabaseOn(cloud);
  const at = (updated_at: string, name: string) =>
    batch("projects", [project("p1", { updated_at, name })]);
  await remote.push(at("2026-11-20T10:00:00.000Z", "newer"), { signal });
  await remote.push(at("2026-11-19T10:00:00.000Z", "older"), { signal });
  assert.deepEqual(await cloud.sql("SELECT name FROM projects"), [{ name: "newer" }]);
});

test("accepts only the records that it wrote, and names those that the cloud kept as it has them", async () => {
  const remote = supabaseOn(cloud);
  const newer = project("p1", { name: "newer", updated_at: "2026-11-20T12:00:00.000Z" });
  await remote.push(batch("projects", [newer]), { signal });
  const older = project("p1", { name: "older", updated_at: "2026-11-20T11:00:00.000Z" });
  const result = await remote.push(batch("projects", [older, project("p2")]), { signal });
  assert.deepEqual([result.accepted, result.rejected], [["p2"], []]);
  assert.deepEqual(result.kept?.map(({ id, name }) => [id, name]), [["p1", "newer"]]);
});

test("adds no record where it may not write over one: none could be compared", async () => {
  await cloud.ddl("REVOKE UPDATE ON projects FROM authenticated");
  try {
    const error = await refused(
      supabaseOn(cloud).push(batch("projects", [project("p1")]), { signal }),
    );
    assert.equal(error.code, "42501");
    assert.equal(verdictOf(error).action, "pause");
    assert.deepEqual(await cloud.sql("SELECT 1 FROM projects"), []);
  } finally {
    await cloud.ddl("GRANT UPDATE ON projects TO authenticated");
  }
});

test("brings rows of several shapes, and leaves alone what a shape does not name", async () => {
  const remote = supabaseOn(cloud);
  const whole = project("p1", { name: "one", status: "open" });
  await remote.push(batch("projects", [whole, project("p2", { name: "two" })]), { signal });
  const later = project("p1", { name: "uno", updated_at: "2026-11-20T11:00:00.000Z" });
  await remote.push(batch("projects", [later]), { signal });
  assert.deepEqual(await cloud.sql("SELECT id, name, status FROM projects ORDER BY id"), [
    { id: "p1", name: "uno", status: "open" },
    { id: "p2", name: "two", status: null },
  ]);
});

test("brings rows of nearly a megabyte, and JSON as it is", async () => {
  const remote = supabaseOn(cloud);
  const data = { text: "ü".repeat(450_000), list: [1, { a: null }], 'odd " name': "\\" };
  await remote.push(batch("projects", [project("p1", { data })]), { signal });
  const [row] = await cloud.sql<{ data: unknown }>("SELECT data FROM projects");
  assert.deepEqual(row?.data, data);
});

test("is refused for a system of another account, and says so", async () => {
  const bob = supabaseOn(cloud, { email: cloud.bob.email, password: cloud.bob.password });
  await supabaseOn(cloud).push(heartbeats([heartbeat({ n: 0 })]), { signal });
  const error = await refused(bob.push(heartbeats([heartbeat({ n: 1 })]), { signal }));
  assert.equal(error.status, 403);
  assert.equal(error.code, "42501");
  assert.match(error.message, /system "pc-1" belongs to another account than bob@example.com/);
  assert.equal(verdictOf(error).action, "pause");
  assert.equal((await cloud.sql("SELECT 1 FROM heartbeats")).length, 1);
});

test("inserts plainly where it may add rows and not see them", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id uuid PRIMARY KEY, idempotency_key text UNIQUE, seq int, mode text, ts timestamptz,
       source text, type text, subtype text, symbol text, severity text, body text, meta jsonb);
     ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
     CREATE POLICY add ON plain FOR INSERT TO authenticated WITH CHECK (true);
     GRANT SELECT, INSERT ON plain TO authenticated;`,
  );
  const remote = supabaseOn(cloud, { eventsTable: "plain" });
  const { accepted } = await remote.push(batch("plain", [event(1), event(2)], "events"), {
    signal,
  });
  assert.equal(accepted.length, 2);
  // Without SELECT nothing can be ignored: the row that is there already is found by halving.
  const error = await refused(
    remote.push(batch("plain", [event(2), event(3)], "events"), { signal }),
  );
  assert.equal(error.status, 409);
  assert.deepEqual(verdictOf(error), { action: "bisect", alone: "reject" });
  // Its id is random and the agent's own, which proves whose row it is.
  const again = await remote.push(batch("plain", [event(2)], "events"), { signal });
  assert.deepEqual(again.accepted, [event(2).id]);
  await remote.push(batch("plain", [event(3)], "events"), { signal });
  assert.equal((await cloud.sql("SELECT 1 FROM plain")).length, 3);
  // The key of somebody else's row under another id proves nothing.
  const other = { ...event(3), id: crypto.randomUUID() };
  assert.equal(
    verdictOf(await refused(remote.push(batch("plain", [other], "events"), { signal }))).alone,
    "reject",
  );
});

test("does without the columns that a project's own tables lack", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id uuid PRIMARY KEY, idempotency_key text UNIQUE, seq int, mode text, ts timestamptz,
       source text, type text, subtype text, symbol text, severity text, body text, meta jsonb);
     CREATE TABLE plain_health (mode text PRIMARY KEY, last_flush_ts timestamptz);
     GRANT SELECT, INSERT, UPDATE ON plain, plain_health TO authenticated;`,
  );
  try {
    const remote = supabaseOn(cloud, { eventsTable: "plain", healthTable: "plain_health" });
    await remote.push(batch("plain", [event(1), event(1)], "events"), { signal });
    const health = { id: "paper", mode: "paper", last_flush_ts: "2026-11-21T00:00:00.000Z" };
    await remote.push(batch("plain_health", [health], "events"), { signal });
    await remote.push(batch("plain_health", [health], "events"), { signal });
    assert.equal((await cloud.sql("SELECT 1 FROM plain")).length, 1);
    assert.equal((await cloud.sql("SELECT 1 FROM plain_health")).length, 1);
  } finally {
    await cloud.ddl("DROP TABLE plain_health");
  }
});

test("takes a table of heartbeats whose key is the id alone", async () => {
  await cloud.ddl(
    `ALTER TABLE heartbeats RENAME TO heartbeats_kept;
     CREATE TABLE heartbeats (id uuid PRIMARY KEY, device_id text, timestamp_utc timestamptz,
       is_playing boolean, poll_interval_sec int);
     GRANT SELECT, INSERT ON heartbeats TO authenticated;`,
  );
  try {
    const remote = supabaseOn(cloud);
    const rows = [heartbeat({ n: 0 }), heartbeat({ n: 1 })];
    await remote.push(heartbeats(rows), { signal });
    await remote.push(heartbeats(rows), { signal });
    assert.equal((await cloud.sql("SELECT 1 FROM heartbeats")).length, 2);
  } finally {
    await cloud.ddl(
      "DROP TABLE heartbeats; ALTER TABLE heartbeats_kept RENAME TO heartbeats;",
    );
  }
});

test("finds the key again when the table gets another", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id text PRIMARY KEY, system_id text, updated_at timestamptz, deleted_at timestamptz);
     GRANT SELECT, INSERT, UPDATE ON plain TO authenticated;`,
  );
  const remote = supabaseOn(cloud);
  await remote.push(batch("plain", [project("a")]), { signal });
  await cloud.ddl("ALTER TABLE plain DROP CONSTRAINT plain_pkey, ADD PRIMARY KEY (system_id, id)");
  for (const updated_at of ["2026-11-20T10:00:01.000Z", "2026-11-20T10:00:02.000Z"]) {
    const { accepted } = await remote.push(batch("plain", [project("a", { updated_at })]), {
      signal,
    });
    assert.deepEqual(accepted, ["a"]);
  }
  assert.equal((await cloud.sql("SELECT 1 FROM plain")).length, 1);
});

test("leaves out what the database computes itself", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id text PRIMARY KEY, system_id text, updated_at timestamptz, deleted_at timestamptz,
       net int, gross int GENERATED ALWAYS AS (net * 2) STORED);
     GRANT SELECT, INSERT, UPDATE ON plain TO authenticated;`,
  );
  const remote = supabaseOn(cloud);
  const row = { ...project("i1"), net: 5, gross: 10 };
  await remote.push(batch("plain", [row]), { signal });
  assert.deepEqual(await cloud.sql("SELECT net, gross FROM plain"), [{ net: 5, gross: 10 }]);
});

test("gives a record back whose field the cloud has no column for, and lets the others pass", async () => {
  const remote = supabaseOn(cloud);
  const rows = [project("p1"), project("p2", { colour: "red" }), project("p3")];
  const { accepted, rejected } = await remote.push(batch("projects", rows), { signal });
  assert.deepEqual(accepted, ["p1", "p3"]);
  assert.deepEqual(rejected.map(({ id, code }) => ({ id, code })), [{
    id: "p2",
    code: "PGRST204",
  }]);
  assert.match(rejected[0]!.message, /table projects has no column "colour"/);
});

test("never takes a unique violation on other columns than the key for a delivery", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id uuid PRIMARY KEY, system_id text, device_id text, idempotency_key text, seq int UNIQUE,
       mode text, ts timestamptz, source text, type text, subtype text, symbol text, severity text, body text,
       meta jsonb, UNIQUE (system_id, mode, idempotency_key));
     GRANT SELECT, INSERT ON plain TO authenticated;`,
  );
  const remote = supabaseOn(cloud, { eventsTable: "plain" });
  await remote.push(batch("plain", [event(1)], "events"), { signal });
  const sameNumber = { ...event(2), seq: 1 };
  const error = await refused(remote.push(batch("plain", [sameNumber], "events"), { signal }));
  assert.deepEqual([error.status, error.code], [409, "23505"]);
  assert.match(error.detail ?? "", /Key \(seq\)=\(1\) already exists/);
  assert.deepEqual(verdictOf(error), { action: "bisect", alone: "reject" });
  // The very row, sent again, is delivered.
  const again = await remote.push(batch("plain", [event(1)], "events"), { signal });
  assert.deepEqual(again.accepted, [event(1).id]);
});

test("looks a row up that another's may have kept out, where the key does not name the system", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id uuid PRIMARY KEY, system_id text, device_id text, idempotency_key text UNIQUE, seq int,
       mode text, ts timestamptz, source text, type text, subtype text, symbol text, severity text, body text,
       meta jsonb);
     ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
     CREATE POLICY own ON plain TO authenticated USING (system_id IN (SELECT my_systems()));
     GRANT SELECT, INSERT ON plain TO authenticated;`,
  );
  const bob = supabaseOn(cloud, {
    systemId: "bob-pc",
    eventsTable: "plain",
    email: cloud.bob.email,
    password: cloud.bob.password,
  });
  await bob.push(batch("plain", [event(1)], "events"), { signal });
  const remote = supabaseOn(cloud, { eventsTable: "plain" });
  const rows = [{ ...event(1), id: crypto.randomUUID() }, event(2)];
  const first = await remote.push(batch("plain", rows, "events"), { signal });
  assert.deepEqual(first.accepted, [event(2).id]);
  assert.deepEqual(first.rejected.map(({ id }) => id), [rows[0]!.id]);
  const again = await remote.push(batch("plain", [event(2), event(3)], "events"), { signal });
  assert.deepEqual([...again.accepted].sort(), [event(2).id, event(3).id]);
});

test("keeps two accounts' events apart that have the same idempotency key", async () => {
  const bob = supabaseOn(cloud, {
    systemId: "bob-pc",
    email: cloud.bob.email,
    password: cloud.bob.password,
  });
  for (const remote of [bob, supabaseOn(cloud)]) {
    const rows = [{ ...event(1), idempotency_key: "fill-1" }];
    const { accepted } = await remote.push(batch("zoe_events", rows, "events"), { signal });
    assert.equal(accepted.length, 1);
  }
  const events = await cloud.sql("SELECT system_id FROM zoe_events ORDER BY 1");
  assert.deepEqual(events, [{ system_id: "bob-pc" }, { system_id: "pc-1" }]);
});

test("brings a correction of punches that were sent before", async () => {
  const remote = supabaseOn(cloud);
  const punch = { id: "a".repeat(64), ...PUNCH };
  await remote.push(batch("punches", [punch], "attendance"), { signal });
  const corrected = { ...punch, time_zone: "UTC", punched_at: "2026-11-21T09:00:00.000Z" };
  const { accepted } = await remote.push(batch("punches", [corrected], "attendance"), { signal });
  assert.deepEqual(accepted, [punch.id]);
  assert.deepEqual(
    await cloud.sql("SELECT time_zone, extract(hour FROM punched_at)::int AS hour FROM punches"),
    [{ time_zone: "UTC", hour: 9 }],
  );
});

test("leaves punches as they are where a project of 0.1.0 does not let them be changed", async () => {
  await cloud.ddl("REVOKE UPDATE ON punches FROM authenticated");
  try {
    const remote = supabaseOn(cloud);
    const rows = [{ id: "a".repeat(64), ...PUNCH }];
    for (let times = 0; times < 2; times++) {
      const { accepted } = await remote.push(batch("punches", rows, "attendance"), { signal });
      assert.equal(accepted.length, 1);
    }
    assert.equal((await cloud.sql("SELECT 1 FROM punches")).length, 1);
  } finally {
    await cloud.ddl("GRANT UPDATE ON punches TO authenticated");
  }
});

test("names the row that a policy refuses, and the table that there is no right to", async () => {
  const remote = supabaseOn(cloud);
  await remote.push(batch("projects", [project("p1")]), { signal });
  await cloud.ddl(
    `CREATE POLICY "no secrets" ON projects AS RESTRICTIVE FOR ALL TO authenticated
       USING (true) WITH CHECK (name IS DISTINCT FROM 'secret')`,
  );
  try {
    const row = await refused(
      remote.push(batch("projects", [project("p2", { name: "secret" })]), { signal }),
    );
    assert.deepEqual(verdictOf(row), { action: "bisect", alone: "reject" });
  } finally {
    await cloud.ddl('DROP POLICY "no secrets" ON projects');
  }
  await cloud.ddl("REVOKE ALL ON projects FROM authenticated");
  try {
    const table = await refused(remote.push(batch("projects", [project("p3")]), { signal }));
    assert.equal(verdictOf(table).action, "pause");
    assert.match(table.message, /permission denied for table projects/);
    assert.match(verdictOf(table).advice ?? "", /clockblock schema supabase/);
  } finally {
    await cloud.ddl("GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO authenticated");
  }
});

test("registers its system with the next push where it had no right to at first", async () => {
  await cloud.ddl("REVOKE EXECUTE ON FUNCTION register_system FROM authenticated");
  const remote = supabaseOn(cloud);
  const rows = [heartbeat({ n: 0 })];
  try {
    const error = await refused(remote.push(heartbeats(rows), { signal }));
    assert.equal(error.code, "42501");
  } finally {
    await cloud.ddl("GRANT EXECUTE ON FUNCTION register_system TO authenticated");
  }
  const { accepted } = await remote.push(heartbeats(rows), { signal });
  assert.equal(accepted.length, 1);
});

test("tells who is signed in, and registers for another account that signs in meanwhile", async () => {
  const tokens = memoryTokenStore();
  const { email, password } = cloud.alice;
  const remote = supabaseOn(cloud, { tokens, email: undefined, password: undefined });
  await remote.login(email, password);
  await remote.push(batch("projects", [project("p1")]), { signal });
  assert.equal(remote.account?.(), email);
  assert.equal(await remote.whoIsSignedIn(), email);
  // As `clockblock login` does it, in another process: only the stored session changes.
  await supabaseOn(cloud, { tokens }).login(cloud.bob.email, cloud.bob.password);
  const error = await refused(remote.push(batch("projects", [project("p2")]), { signal }));
  assert.equal(remote.account?.(), cloud.bob.email);
  assert.match(error.message, /system "pc-1" belongs to another account than bob@example.com/);
  assert.equal(verdictOf(error).action, "pause");
  await cloud.sql(
    `INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', '${cloud.bob.id}')`,
  );
  await remote.push(batch("projects", [project("p2")]), { signal });
  assert.equal((await cloud.sql("SELECT 1 FROM projects")).length, 2);
});

test("keeps a number that JavaScript cannot hold, in a column and inside JSON", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id bigint PRIMARY KEY, amount numeric, data jsonb);
     SELECT clockblock_records('plain');`,
  );
  const remote = supabaseOn(cloud);
  await remote.push(batch("projects", [project("p1")]), { signal });
  await cloud.sql(
    `INSERT INTO plain (id, system_id, amount, data)
     VALUES (9007199254740993, 'pc-1', 12345678901234567890.123, '{"n": 12345678901234567890}')`,
  );
  const { rows: [row] } = await remote.pull!("plain", null, { signal });
  assert.equal(row?.id, "9007199254740993");
  const edited = {
    ...row!,
    updated_at: new Date(Date.now() + 1_000).toISOString(),
    extra: undefined,
  };
  await remote.push(batch("plain", [edited]), { signal });
  assert.deepEqual(await cloud.sql("SELECT id::text, amount::text, data::text FROM plain"), [{
    id: "9007199254740993",
    amount: "12345678901234567890.123",
    data: '{"n": 12345678901234567890}',
  }]);
});

test("names the SQL to run when a table is missing", async () => {
  const remote = supabaseOn(cloud, { eventsTable: "nowhere" });
  const error = await refused(remote.push(batch("nowhere", [event(1)], "events"), { signal }));
  assert.equal(error.status, 404);
  assert.match(error.message, /rows of nowhere/);
  const { action, advice } = verdictOf(error);
  assert.equal(action, "pause");
  assert.match(advice ?? "", /clockblock schema supabase/);
});

test("keeps a refused row's words for the row", async () => {
  const remote = supabaseOn(cloud);
  const bad = { ...heartbeat({ n: 0 }), timestamp_utc: "my secret" };
  const error = await refused(remote.push(heartbeats([bad]), { signal }));
  assert.equal(error.code, "22007");
  assert.ok(!error.message.includes("my secret"), error.message);
  assert.match(error.detail ?? "", /my secret/);
  assert.deepEqual(verdictOf(error), { action: "bisect", alone: "reject" });
});

// Section by section what PostgREST and PostgreSQL answer, and what the lane makes of it.
const ANSWERS: readonly [status: number, code: string, action: string, alone: string][] = [
  [503, "PGRST000", "retry", "wait"],
  [503, "PGRST002", "retry", "wait"],
  [504, "PGRST003", "retry", "wait"],
  [503, "08006", "retry", "wait"],
  [503, "53300", "retry", "wait"],
  [500, "40001", "retry", "wait"],
  [500, "40P01", "retry", "wait"],
  [503, "57P01", "retry", "wait"],
  [429, "", "retry", "wait"],
  [502, "", "retry", "wait"],
  [408, "", "split", "wait"],
  [413, "", "split", "reject"],
  [500, "57014", "split", "wait"],
  [500, "54000", "split", "reject"],
  [401, "PGRST301", "sign-in", "wait"],
  [401, "PGRST302", "sign-in", "wait"],
  [401, "PGRST303", "sign-in", "wait"],
  [401, "42501", "sign-in", "wait"],
  [404, "PGRST205", "pause", "wait"],
  [404, "42P01", "pause", "wait"],
  [500, "42P17", "pause", "wait"],
  [406, "PGRST106", "pause", "wait"],
  [400, "22P02", "bisect", "reject"],
  [400, "23502", "bisect", "reject"],
  [400, "23514", "bisect", "reject"],
  [500, "21000", "bisect", "reject"],
  [400, "P0001", "bisect", "reject"],
  [400, "PGRST102", "bisect", "reject"],
  [422, "", "bisect", "reject"],
  [409, "23503", "bisect", "later"],
  [409, "23505", "bisect", "reject"],
];

for (const [status, code, action, alone] of ANSWERS) {
  test(`makes of ${status} ${code || "without a code"}: ${action}`, async () => {
    const remote = supabaseOn(cloud);
    const fault = { kind: "status", status, code, message: "a row's secret" } as const;
    // Refused an upsert, it tries whether it may insert plainly.
    cloud.faults.push(fault, ...(code === "42501" ? [fault] : []));
    const error = await refused(remote.push(heartbeats([heartbeat({ n: 0 })]), { signal }));
    assert.equal(error.status, status);
    assert.equal(error.code ?? "", code);
    const verdict = verdictOf(error);
    assert.deepEqual([verdict.action, verdict.alone], [action, alone]);
    // Nothing was lost: the same push passes afterwards.
    await remote.push(heartbeats([heartbeat({ n: 0 })]), { signal });
    assert.equal((await cloud.sql("SELECT 1 FROM heartbeats")).length, 1);
  });
}

test("asks for nothing but the key where nobody signs in", async () => {
  const remote = supabaseOn(cloud, {
    key: cloud.serviceKey,
    email: undefined,
    password: undefined,
  });
  await remote.push(heartbeats([heartbeat({ n: 0 })]), { signal });
  assert.equal((await cloud.sql("SELECT 1 FROM heartbeats")).length, 1);
  assert.ok(cloud.requests.every(({ path }) => path.startsWith("/rest/v1/heartbeats")));
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

const PUNCH = {
  device_sn: "SN1",
  person_id: "7",
  punched_at: "2026-11-21T08:00:00.000Z",
  device_time: "2026-11-21 09:00:00",
  time_zone: "Europe/Berlin",
  mode: 1,
  in_out: 0,
  event: null,
  raw: '{"enrollid":7}',
};

function heartbeat({ n, is_playing = true }: { n: number; is_playing?: boolean }): Row {
  return {
    id: `0190a000-0000-7000-8000-00000000000${n}`,
    device_id: "pc-1",
    timestamp_utc: `2026-11-21T00:00:0${n}.123Z`,
    is_playing,
    poll_interval_sec: 5,
    process_name: "javaw.exe",
  };
}

function event(seq: number): Row {
  return {
    id: `0190a000-0000-7000-8000-0000000000e${seq}`,
    mode: "paper",
    ts: "2026-11-21T00:00:00.000Z",
    seq,
    source: "test",
    type: "order",
    subtype: "BUY_FILLED",
    symbol: null,
    severity: "info",
    body: "bought",
    meta: { price: { at: 1.5 } },
    idempotency_key: `key-${seq}`,
  };
}

function project(id: string, fields: Record<string, unknown> = {}): Row {
  return {
    id,
    system_id: "pc-1",
    updated_at: "2026-11-20T10:00:00.000Z",
    deleted_at: null,
    ...fields,
  };
}

function heartbeats(rows: readonly Row[]): OutboxBatch {
  return batch("heartbeats", rows, "playtime");
}

function batch(
  table: string,
  rows: readonly Row[],
  stream: OutboxBatch["stream"] = "records",
): OutboxBatch {
  return { stream, table, operation: "insert", rows };
}

async function refused(push: Promise<unknown>): Promise<RemoteError> {
  const error = await push.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof RemoteError, String(error));
  return error;
}
