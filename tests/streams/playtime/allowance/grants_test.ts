import assert from "node:assert/strict";
import { allowanceServed, play } from "./allowance_fixture.ts";
import { renameDays } from "../../../../src/streams/playtime/mod.ts";
import { rowsOf } from "../playtime_fixture.ts";

Deno.test("GET /allowance says what is allowed, used and left of a day and its week", async () => {
  using test = allowanceServed({ daily_allowance_min: { mon: 60 }, weekly_allowance_min: 300 });
  await play(test.fixture, 30);
  assert.deepEqual(await test.get("/allowance"), {
    date: "2026-03-02",
    time_zone: "UTC",
    day_starts_at: "00:00",
    allowance_min: 60,
    grants: [],
    granted_min: 0,
    used_min: 30,
    left_min: 30,
    over_min: 0,
    week: {
      from: "2026-03-02",
      to: "2026-03-08",
      allowance_min: 300,
      granted_min: 0,
      used_min: 30,
      left_min: 270,
    },
    limited_by: "day",
    games: [{ label: "Minecraft", allowance_min: null, used_min: 30, left_min: null }],
  });
});

Deno.test("A grant counts for its day and week, is told to pages, and negative ones take away", async () => {
  using test = allowanceServed({ daily_allowance_min: 10, weekly_allowance_min: 100 });
  await play(test.fixture, 25);
  assert.equal(test.fixture.stream.status().today.minutes_left, 0);
  const { status, body: grant } = await test.grant({ extra_min: 30, reason: "rainy" });
  assert.equal(status, 201);
  assert.deepEqual(
    [grant.date, grant.extra_min, grant.reason, grant.made_by, grant.undoes, grant.synced_at],
    ["2026-03-02", 30, "rainy", null, null, null],
  );
  assert.deepEqual(test.told(), [{ grant }]);
  const day = await test.get("/allowance");
  assert.deepEqual([day.granted_min, day.left_min, day.week.left_min], [30, 15, 105]);
  assert.deepEqual(day.grants, [grant]);
  const { today } = test.fixture.stream.status();
  assert.deepEqual([today.allowance_min, today.granted_min, today.minutes_left], [10, 30, 15]);
  const { allowance_min, granted_min, minutes_today, minutes_left } = test.fixture.stream
    .deviceColumns();
  assert.deepEqual([allowance_min, granted_min, minutes_today, minutes_left], [10, 30, 25, 15]);
  assert.equal((await test.get("/daily")).minutes_overdraft, 0);

  await test.grant({ extra_min: -20.5, made_by: "Mum" });
  const after = await test.get("/allowance");
  assert.deepEqual([after.granted_min, after.left_min, after.over_min], [9.5, 0, 5.5]);
  for (const path of ["/daily", "/daily?tz=UTC", "/daily?tz=Europe/Berlin"]) {
    assert.equal((await test.get(path)).minutes_overdraft, 5.5, path);
  }
  await play(test.fixture, 1);
  assert.equal((await test.get("/daily")).minutes_overdraft, 6.5);
});

Deno.test("The overdraft of a day keeps its grants through recompute", async () => {
  using test = allowanceServed({ daily_allowance_min: 10 });
  await play(test.fixture, 25);
  await test.grant({ extra_min: 5 });
  assert.deepEqual(await test.fixture.stream.recompute(), { days: 1, changed: 0, incomplete: 0 });
  assert.equal((await test.get("/daily")).minutes_overdraft, 10);
});

Deno.test("The tighter of day and week counts", async () => {
  using test = allowanceServed({ daily_allowance_min: 60, weekly_allowance_min: 70 });
  await play(test.fixture, 40);
  await test.fixture.clock.advance(24 * 3_600_000);
  const day = await test.get("/allowance");
  assert.deepEqual([day.date, day.used_min, day.left_min, day.limited_by], [
    "2026-03-03",
    0,
    30,
    "week",
  ]);
  const { today } = test.fixture.stream.status();
  assert.deepEqual([today.minutes_left, today.limited_by, today.week.left_min], [30, "week", 30]);
  // Without a daily limit the week's is the only one; a new week has all of it.
  using weekly = allowanceServed({ weekly_allowance_min: 70 });
  await play(weekly.fixture, 80);
  const over = await weekly.get("/allowance");
  assert.deepEqual([over.allowance_min, over.left_min, over.over_min, over.limited_by], [
    null,
    0,
    10,
    "week",
  ]);
  assert.equal((await weekly.get("/allowance?date=2026-03-09")).left_min, 70);
});

Deno.test("Without a limit nothing is limited, and a grant is kept all the same", async () => {
  using test = allowanceServed();
  await test.grant({ extra_min: 30 });
  const day = await test.get("/allowance");
  assert.deepEqual([day.left_min, day.over_min, day.limited_by, day.granted_min], [
    null,
    0,
    null,
    30,
  ]);
});

Deno.test("A late evening belongs to its evening", async () => {
  using test = allowanceServed({
    start: "2026-03-03T00:30:00.000Z",
    timeZone: "Europe/Berlin",
    day_starts_at: "04:00",
    daily_allowance_min: { mon: 60 },
  });
  // 01:30 in Berlin, on a Tuesday.
  await play(test.fixture, 10);
  const { date, day_starts_at, used_min, left_min } = await test.get("/allowance");
  assert.deepEqual([date, day_starts_at, used_min, left_min], ["2026-03-02", "04:00", 10, 50]);
  const { today } = test.fixture.stream.status();
  assert.deepEqual([today.date, today.minutes_used, today.day_starts_at], [
    "2026-03-02",
    10,
    "04:00",
  ]);
  assert.equal((await test.get("/daily?tz=Europe/Berlin")).date, "2026-03-02");
  assert.equal((await test.get("/daily?tz=Europe/Berlin")).minutes_used, 10);
  assert.deepEqual(
    (await test.get("/days?tz=UTC&from=2026-03-02&to=2026-03-03"))
      .map(({ minutes_used }: { minutes_used: number }) => minutes_used),
    [10, 0],
  );
  // The stored UTC days are the seed's.
  assert.equal((await test.get("/daily")).date_utc, "2026-03-03");
  assert.equal((await test.get("/daily")).minutes_used, 10);
  assert.equal((await test.grant({ extra_min: 5 })).body.date, "2026-03-02");
  await test.fixture.clock.advance(3 * 3_600_000);
  assert.equal(test.fixture.stream.status().today.date, "2026-03-03");
});

Deno.test("POST /allowance/grants by the same Idempotency-Key makes one grant", async () => {
  using test = allowanceServed({ daily_allowance_min: 60 });
  const first = await test.grant({ extra_min: 30, reason: "rainy" }, "key 1");
  const again = await test.grant({ extra_min: 30, reason: "rainy" }, "key 1");
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.deepEqual(again.body, first.body);
  for (const other of [{ extra_min: 15, reason: "rainy" }, { extra_min: 30 }]) {
    const refused = await test.grant(other, "key 1");
    assert.equal(refused.status, 422);
    assert.match(refused.body.detail, /"key 1"/);
  }
  // Sent again after midnight, it is still the same.
  await test.fixture.clock.advance(24 * 3_600_000);
  const late = await test.grant({ extra_min: 30, reason: "rainy" }, "key 1");
  assert.deepEqual([late.status, late.body], [200, first.body]);
  assert.equal(rowsOf(test.fixture.store, "allowance_grants").length, 1);
  assert.equal(test.told().length, 1);
});

Deno.test("Two parents that grant at once both count, and a request sent twice at once counts once", async () => {
  using test = allowanceServed({ daily_allowance_min: 60 });
  const answers = await Promise.all([
    test.grant({ extra_min: 30 }, "mum"),
    test.grant({ extra_min: 30 }, "dad"),
    test.grant({ extra_min: 30 }, "mum"),
    test.grant({ extra_min: 30 }),
  ]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 201, 201, 201]);
  assert.equal((await test.get("/allowance")).granted_min, 90);
});

Deno.test("A grant is undone once, by a grant of the opposite on its day", async () => {
  using test = allowanceServed({ daily_allowance_min: 60 });
  const { body: grant } = await test.grant({ extra_min: 30, date: "2026-03-04" });
  const undone = await test.grant({ undoes: grant.id, made_by: "Dad" });
  assert.equal(undone.status, 201);
  const { date, extra_min, reason, undoes, made_by } = undone.body;
  assert.deepEqual([date, extra_min, reason, undoes, made_by], [
    "2026-03-04",
    -30,
    "undo",
    grant.id,
    "Dad",
  ]);
  const again = await test.grant({ undoes: grant.id }, "another key");
  assert.deepEqual([again.status, again.body], [200, undone.body]);
  assert.equal((await test.get("/allowance?date=2026-03-04")).granted_min, 0);
  assert.equal((await test.grant({ undoes: "nothing" })).status, 404);
});

for (
  const [what, body, message] of [
    ["a million minutes", { extra_min: 1e6 }, /extra_min.*expected minutes from -1440 to 1440/],
    ["no minutes", { extra_min: 0 }, /other than 0/],
    ["nothing", {}, /"extra_min": 30/],
    ["text", { extra_min: "30" }, /extra_min.*expected minutes/],
    ["a number", 30, /a grant such as/],
    [
      "a day in 1990",
      { extra_min: 5, date: "1990-01-01" },
      /2025-03-01 to 2026-04-02: today is 2026-03-02/,
    ],
    ["a day too far ahead", { extra_min: 5, date: "2026-04-03" }, /date.*2026-04-02/],
    ["no day", { extra_min: 5, date: "2026-02-30" }, /expected a day as YYYY-MM-DD/],
    ["an empty reason", { extra_min: 5, reason: "" }, /reason.*1 to 200 characters/],
    ["a reason with NUL", { extra_min: 5, reason: "a\0" }, /reason.*1 to 200 characters/],
    ["a long name", { extra_min: 5, made_by: "x".repeat(201) }, /made_by.*1 to 200/],
    ["minutes beside undoes", { undoes: "a", extra_min: 5 }, /undoes.*nothing but made_by/],
    ["an unknown field", { extra_min: 5, minutes: 5 }, /minutes/],
  ] as const
) {
  Deno.test(`POST /allowance/grants refuses ${what}`, async () => {
    using test = allowanceServed();
    const { status, body: problem } = await test.grant(body);
    assert.equal(status, 400);
    assert.match(problem.detail, message);
    assert.deepEqual(rowsOf(test.fixture.store, "allowance_grants"), []);
  });
}

Deno.test("POST /allowance/grants takes 100 for a day, and what undoes one of them", async () => {
  using test = allowanceServed();
  const made = await Promise.all(
    Array.from({ length: 110 }, (_, n) => test.grant({ extra_min: 1 }, `key ${n}`)),
  );
  assert.deepEqual(
    made.map(({ status }) => status).sort(),
    [...Array(100).fill(201), ...Array(10).fill(422)],
  );
  const { title, detail } = made.at(-1)!.body;
  assert.equal(title, "Too many grants");
  assert.equal(
    detail,
    "2026-03-02 has 100 grants, no day has more. A grant can still be undone",
  );
  assert.equal((await test.grant({ extra_min: 1 }, "key 0")).status, 200);
  assert.equal((await test.grant({ extra_min: 1, date: "2026-03-03" })).status, 201);
  const undo = await test.grant({ undoes: made[0]!.body.id });
  assert.equal(undo.status, 201);
  assert.equal((await test.grant({ undoes: undo.body.id })).status, 422);
  assert.equal((await test.get("/allowance")).granted_min, 99);
});

Deno.test("POST /allowance/grants takes the first and the last day it may", async () => {
  using test = allowanceServed();
  for (const date of ["2025-03-01", "2026-04-02"]) {
    assert.equal((await test.grant({ extra_min: 5, date })).status, 201, date);
  }
  assert.equal((await test.grant({ extra_min: 5 }, "é")).status, 400);
});

Deno.test("Grants follow a changed device id and are there after a restart", async () => {
  using test = allowanceServed({ daily_allowance_min: 60 });
  await test.grant({ extra_min: 30 });
  await renameDays(test.fixture.store, { before: ["pc-1"], id: "pc-2" });
  test.fixture.restart({ deviceId: "pc-2" });
  assert.equal(test.fixture.stream.status().today.minutes_left, 90);
});
