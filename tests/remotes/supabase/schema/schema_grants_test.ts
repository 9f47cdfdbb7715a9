/** Grants in the cloud's days: the overdraft there is the agent's, whatever comes first. */
import assert from "node:assert/strict";
import { schemaSql } from "../../../../src/remotes/supabase/mod.ts";
import { Cloud } from "../../../support/servers/cloud.ts";

const cloud = await Cloud.start({ grants: "new" });
const ALICE = { sub: cloud.alice.id };
const BOB = { sub: cloud.bob.id };
const DAY = "2026-11-16";

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Grants in the cloud's days: ${behaviour}`, async () => {
    await cloud.empty();
    await cloud.sql("INSERT INTO allowances SELECT 'pc-1', day, 3 FROM generate_series(1, 7) day");
    await run();
  });
}

/** Ten minutes of play. */
const PLAY = `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec)
  SELECT gen_random_uuid(), 'pc-1', '${DAY}T12:00:00Z', true, 600`;

function grantSql(
  minutes: number,
  { system = "pc-1", id = crypto.randomUUID(), undoes, made = DAY }: {
    system?: string;
    id?: string;
    undoes?: string;
    made?: string;
  } = {},
): string {
  return `INSERT INTO allowance_grants (system_id, id, device_id, date, extra_min, created_at, undoes)
    VALUES ('${system}', '${id}', 'pc-1', '${DAY}', ${minutes}, '${made}', ${
    undoes ? `'${undoes}'` : "null"
  })`;
}

/** Granted minutes and overdraft of the day. */
async function day(of = cloud): Promise<unknown[] | undefined> {
  const [row] = await of.sql(
    `SELECT minutes_granted, minutes_overdraft FROM daily_rollups WHERE device_id = 'pc-1' AND date_utc = '${DAY}'`,
  );
  return row && [row["minutes_granted"], row["minutes_overdraft"]];
}

test("one before the first heartbeat counts, one after it makes the day again", async () => {
  await cloud.sql(grantSql(2));
  assert.equal(await day(), undefined);
  await cloud.sql(PLAY);
  assert.deepEqual(await day(), [2, 5]);
  await cloud.sql(grantSql(0.1));
  await cloud.sql(grantSql(-1.6));
  assert.deepEqual(await day(), [0.5, 6.5]);
  await cloud.sql(grantSql(60));
  assert.deepEqual(await day(), [60.5, 0]);
  await cloud.sql(PLAY.replace("12:00", "13:00"));
  assert.deepEqual(await day(), [60.5, 0]);
});

test("one grants nothing to a day without a limit, and a limit set later counts", async () => {
  await cloud.sql("DELETE FROM allowances");
  await cloud.sql(PLAY);
  await cloud.sql(grantSql(2));
  assert.deepEqual(await day(), [2, 0]);
  await cloud.sql("UPDATE daily_rollups SET minutes_allowed = 3");
  assert.deepEqual(await day(), [2, 5]);
});

test("one that the agent would refuse does not count", async () => {
  await cloud.sql(PLAY);
  await cloud.sql(grantSql(2, { id: "first" }));
  await cloud.sql(grantSql(-5, { undoes: "no such grant" }));
  await cloud.sql(grantSql(-5, { undoes: "first" }));
  await cloud.sql(grantSql(4, { made: "2025-11-14" }));
  await cloud.sql(grantSql(4, { made: "2026-10-15" }));
  await cloud.sql(grantSql(4, { made: "2027-11-18" }));
  assert.deepEqual(await day(), [2, 5]);
  await cloud.sql(grantSql(1, { made: "2026-10-16" }));
  assert.deepEqual(await day(), [3, 4]);
});

test("one and what undoes it count for nothing", async () => {
  await cloud.sql(PLAY);
  await cloud.sql(grantSql(2, { id: "first" }));
  await cloud.sql(grantSql(-2, { undoes: "first" }));
  assert.deepEqual(await day(), [0, 7]);
});

test("those of another system count where an account is a member of both", async () => {
  const as = (who: { sub: string }, sql: string) => cloud.sqlAs("authenticated", sql, who);
  await cloud.sql(`INSERT INTO system_members (system_id, user_id)
    VALUES ('pc-1', '${ALICE.sub}'), ('family', '${ALICE.sub}'), ('foreign', '${BOB.sub}')`);
  await cloud.sql(PLAY);
  const before = await cloud.sql("SELECT * FROM daily_rollups");
  await as(BOB, grantSql(5, { system: "foreign" }));
  assert.deepEqual(await cloud.sql("SELECT * FROM daily_rollups"), before);
  await as(ALICE, grantSql(2, { system: "family" }));
  assert.deepEqual(await day(), [2, 5]);
});

/** Goes on once another transaction waits for a lock of this one. */
const UNTIL_AWAITED = `DO $$ BEGIN
  FOR look IN 1..3000 LOOP
    EXIT WHEN EXISTS (SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock');
    PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
  END LOOP;
END $$`;

for (
  const [what, first, second] of [
    ["a day that is being made", PLAY, grantSql(2)],
    ["a grant that is being added", grantSql(2), PLAY],
  ] as const
) {
  test(`${what} does not miss the other`, async () => {
    const slow = cloud.sqlAs("postgres", `${first}; ${UNTIL_AWAITED}`, {});
    await Promise.all([slow, untilAsleep().then(() => cloud.sql(second))]);
    assert.deepEqual(await day(), [2, 5]);
  });
}

test("two that are added at once both count", async () => {
  await cloud.sql(PLAY);
  const slow = cloud.sqlAs("postgres", `${grantSql(2)}; ${UNTIL_AWAITED}`, {});
  await Promise.all([slow, untilAsleep().then(() => cloud.sql(grantSql(1)))]);
  assert.deepEqual(await day(), [3, 4]);
});

/** Until the transaction that goes first has done its part. */
async function untilAsleep(): Promise<void> {
  for (;;) {
    const asleep = await cloud.sql(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    if (asleep.length > 0) return;
  }
}

Deno.test("Schema brings grants into the days that an older one made, and its views stay", async () => {
  const old = await Deno.readTextFile(
    new URL("../fixtures/schema_0.1.0.sql", import.meta.url),
  );
  await using project = await Cloud.start({ schema: false });
  await project.sql(old);
  await project.sql("INSERT INTO allowances SELECT 'pc-1', day, 3 FROM generate_series(1, 7) day");
  await project.sql(PLAY);
  await project.sql("CREATE VIEW report AS SELECT date_utc, minutes_overdraft FROM daily_rollups");
  await project.ddl(schemaSql);
  assert.deepEqual(await day(project), [0, 7]);
  // As a schema between that one and today's has it: with the table, without the count.
  await project.sql("ALTER TABLE allowance_grants DISABLE TRIGGER allowance_grants_count");
  await project.sql(grantSql(2));
  await project.sql("ALTER TABLE allowance_grants ENABLE TRIGGER allowance_grants_count");
  assert.deepEqual(await day(project), [0, 7]);
  await project.ddl(schemaSql);
  assert.deepEqual(await day(project), [2, 5]);
  const [report] = await project.sql("SELECT minutes_overdraft AS over FROM report");
  assert.deepEqual(report, { over: 5 });
  const before = await project.sql("SELECT * FROM daily_rollups");
  await project.ddl(schemaSql);
  assert.deepEqual(await project.sql("SELECT * FROM daily_rollups"), before);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
