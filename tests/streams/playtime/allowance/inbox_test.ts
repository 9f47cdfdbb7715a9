import assert from "node:assert/strict";
import type { Cursor, Row } from "../../../../src/core/mod.ts";
import { type AllowanceServed, allowanceServed, play } from "./allowance_fixture.ts";
import { rowsOf } from "../playtime_fixture.ts";

const CURSOR: Cursor = { updatedAt: "2026-03-02T12:00:00.123456+00:00", id: "g1" };

/** A row as PostgREST gives it. */
function row(given: Partial<Row> = {}): Row {
  return {
    id: "g1",
    system_id: "pc-1",
    device_id: "pc-1",
    date: "2026-03-02",
    extra_min: 30,
    reason: null,
    made_by: null,
    undoes: null,
    created_at: "2026-03-02T11:59:00.123456+00:00",
    updated_at: "2026-03-02T12:59:00.123456+01:00",
    ...given,
  };
}

async function receive({ fixture: { store, stream } }: AllowanceServed, ...rows: Row[]) {
  return await store.write(() =>
    stream.inbox!.apply({ table: "allowance_grants", rows, cursor: CURSOR, more: false })
  );
}

const TWO_WAY = { daily_allowance_min: 10, cloud: true, twoWay: true };

Deno.test("A grant from the cloud counts once, however often it is read, and is not sent back", async () => {
  using test = allowanceServed(TWO_WAY);
  await play(test.fixture, 25);
  assert.deepEqual(await receive(test, row()), { applied: 1, conflicts: 0 });
  assert.deepEqual(await receive(test, row(), row()), { applied: 0, conflicts: 0 });
  const day = await test.get("/allowance");
  assert.deepEqual([day.granted_min, day.left_min], [30, 15]);
  assert.equal(day.grants[0].created_at, "2026-03-02T11:59:00.123Z");
  assert.equal((await test.get("/daily")).minutes_overdraft, 0);
  assert.deepEqual(test.told(), [{ grant: day.grants[0] }]);
  const { stream } = test.fixture;
  assert.deepEqual(
    stream.outbox.pending(100).rows.filter(({ extra_min }) => extra_min !== undefined),
    [],
  );
  assert.deepEqual(stream.inbox!.cursor("allowance_grants"), CURSOR);
  assert.deepEqual(test.fixture.restart().inbox!.cursor("allowance_grants"), CURSOR);
});

Deno.test("Two parents' grants both count, and one that both undo is undone once", async () => {
  using test = allowanceServed(TWO_WAY);
  await receive(test, row(), row({ id: "g2", extra_min: 15, made_by: "Dad", reason: "" }));
  assert.equal((await test.get("/allowance")).granted_min, 45);
  const undo = { extra_min: -30, undoes: "g1" };
  await receive(test, row({ ...undo, id: "u1" }), row({ ...undo, id: "u2" }));
  await test.grant({ undoes: "g1" });
  const { granted_min, grants } = await test.get("/allowance");
  assert.deepEqual([granted_min, grants.length], [15, 3]);
});

Deno.test("A page of grants crosses the thresholds that it leaves crossed, none in its midst", async () => {
  const logged: string[] = [];
  using test = allowanceServed({
    ...TWO_WAY,
    daily_allowance_min: 60,
    logEvent(event) {
      logged.push(event.subtype);
      return undefined;
    },
  });
  await play(test.fixture, 5);
  const undo = { extra_min: 60, undoes: "g1" };
  await receive(test, row({ extra_min: -60 }), row({ ...undo, id: "u1" }));
  assert.equal((await test.get("/allowance")).left_min, 55);
  assert.deepEqual(logged, []);
});

for (
  const [what, given] of Object.entries({
    "a million minutes": { extra_min: 1e6 },
    "no minutes": { extra_min: 0 },
    "minutes that are no number": { extra_min: "NaN" },
    "a day in 1990": { date: "1990-01-01" },
    "no day": { date: "infinity" },
    "a day beyond next month": { date: "2026-05-01" },
    "too long a reason": { reason: "x".repeat(201) },
    "an undo of nothing": { undoes: "g0", extra_min: -30 },
    "an undo of more than was granted": { undoes: "known", extra_min: -31 },
  })
) {
  Deno.test(`A row of the cloud with ${what} is never counted: a warning names it, the others count`, async () => {
    using test = allowanceServed(TWO_WAY);
    await receive(test, row({ id: "known", extra_min: 5 }));
    assert.equal((await receive(test, row(given), row({ id: "g2", extra_min: 7 }))).applied, 1);
    assert.equal((await test.get("/allowance")).granted_min, 12);
    const { warnings, store } = test.fixture;
    assert.equal(rowsOf(store, "allowance_grants").length, 2);
    const [warning] = warnings.list();
    assert.equal(warning!.code, "allowance.refused");
    assert.match(
      warning!.message,
      /^A grant in the cloud is not counted: .* "g1", column \w+: exp/,
    );
  });
}

Deno.test("A grant for another machine of the system is left to that machine", async () => {
  using test = allowanceServed(TWO_WAY);
  assert.equal((await receive(test, row({ device_id: "pc-2", extra_min: 1e6 }))).applied, 0);
  assert.deepEqual(rowsOf(test.fixture.store, "allowance_grants"), []);
  assert.deepEqual(test.fixture.warnings.list(), []);
});

Deno.test("An old grant that is read for the first time counts for its day", async () => {
  using test = allowanceServed(TWO_WAY);
  await receive(test, row({ date: "2024-01-05", created_at: "2024-01-04T10:00:00+00:00" }));
  assert.equal((await test.get("/allowance?date=2024-01-05")).granted_min, 30);
});

Deno.test("Of a day's grants from the cloud 1000 count, also beside 100 of the machine", async () => {
  using test = allowanceServed(TWO_WAY);
  for (let n = 0; n < 100; n++) await test.grant({ extra_min: 1 });
  const rows = Array.from({ length: 901 }, (_, n) => row({ id: `g${n}`, extra_min: 1 }));
  assert.equal((await receive(test, ...rows)).applied, 900);
  const { warnings } = test.fixture;
  assert.deepEqual(warnings.list().map(({ message }) => message), [
    'A grant in the cloud is not counted: allowance_grants "g900", column date: expected at most 1000 grants for 2026-03-02',
  ]);
  warnings.clear("allowance.refused");
  assert.equal((await receive(test, ...rows.slice(0, 900))).applied, 0);
  assert.deepEqual(warnings.list(), []);
  assert.equal((await test.get("/allowance")).granted_min, 1000);
});
