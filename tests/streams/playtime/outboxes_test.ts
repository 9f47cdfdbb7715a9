import assert from "node:assert/strict";
import type { PlaytimeFixture } from "./playtime_fixture.ts";
import { allowanceServed } from "./allowance/allowance_fixture.ts";

const AT = "2026-03-02T12:10:00.000Z";

async function beat({ stream, clock }: PlaytimeFixture, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await stream.pollOnce();
    await clock.advance(1_000);
  }
}

Deno.test("Outbox of playtime gives out grants before heartbeats, each once while a batch is in flight", async () => {
  using test = allowanceServed({ cloud: true, twoWay: true });
  const { fixture } = test;
  await beat(fixture, 5);
  for (const extra_min of [1, 2, 3]) await test.grant({ extra_min });
  const { outbox } = fixture.stream;
  assert.deepEqual(outbox.depth(), { rows: 8, oldest: "2026-03-02T12:00:00.000Z" });
  const first = outbox.pending(2);
  const second = outbox.pendingAfter!(2, 2);
  const third = outbox.pendingAfter!(3, 2);
  assert.deepEqual(
    [first, second, third].map(({ table, rows }) => [table, rows.length]),
    [["allowance_grants", 2], ["allowance_grants", 1], ["heartbeats", 2]],
  );
  assert.deepEqual(Object.keys(first.rows[0]!).sort(), [
    ...["created_at", "date", "device_id", "extra_min", "id", "made_by", "reason"],
    ...["undoes", "updated_at"],
  ]);
  const ids = (batch: typeof first) => batch.rows.map(({ id }) => id);
  await fixture.store.write(() => outbox.settle([...ids(first), ...ids(second)], AT));
  assert.deepEqual(outbox.depth().rows, 5);
  const fourth = outbox.pendingAfter!(2, 2);
  assert.equal(new Set([...ids(third), ...ids(fourth)]).size, 4);
  await fixture.store.write(() => outbox.settle([...ids(third), ...ids(fourth)], AT));
  assert.deepEqual(outbox.pending(100).rows.length, 1);
  assert.equal((await test.get("/allowance")).grants[0].synced_at, AT);
});

Deno.test("Outbox of playtime leaves out a table that is to be skipped", async () => {
  using test = allowanceServed({ cloud: true, twoWay: true });
  await beat(test.fixture, 2);
  await test.grant({ extra_min: 5 });
  const { outbox } = test.fixture.stream;
  const skip = new Set(["allowance_grants"]);
  const batch = outbox.pending(100, { skip });
  assert.deepEqual([batch.table, batch.rows.length], ["heartbeats", 2]);
});

Deno.test("Outbox of playtime keeps a rejected grant, sends it again on request, and lets it be given up", async () => {
  using test = allowanceServed({ cloud: true, twoWay: true });
  const { store, stream: { outbox } } = test.fixture;
  const { body: { id } } = await test.grant({ extra_min: 5 });
  const reject = async () => {
    assert.equal(outbox.pending(10).rows[0]!.id, id);
    await store.write(() => outbox.reject([{ id, message: "no" }], AT));
    assert.deepEqual([outbox.depth().rows, store.rejected.count("playtime")], [0, 1]);
  };
  await reject();
  await store.write(() => outbox.readmit([id]));
  assert.deepEqual([outbox.depth().rows, store.rejected.count("playtime")], [1, 0]);
  await reject();
  await store.write(() => outbox.discard([id]));
  assert.deepEqual([outbox.depth().rows, store.rejected.count("playtime")], [0, 0]);
  assert.equal((await test.get("/allowance")).granted_min, 5);
});

Deno.test("An endpoint gets heartbeats only: grants stay on the machine", async () => {
  using test = allowanceServed({ cloud: true });
  await beat(test.fixture, 1);
  await test.grant({ extra_min: 5 });
  const { outbox, inbox } = test.fixture.stream;
  assert.deepEqual([outbox.depth().rows, outbox.pending(10).table, inbox], [
    1,
    "heartbeats",
    undefined,
  ]);
});

Deno.test("Grants that wait for the cloud wait through a restart", async () => {
  using test = allowanceServed({ cloud: true, twoWay: true });
  await test.grant({ extra_min: 5 });
  const { outbox } = test.fixture.restart();
  await outbox.counted;
  assert.equal(outbox.depth().rows, 1);
});
