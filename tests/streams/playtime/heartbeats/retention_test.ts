import assert from "node:assert/strict";
import { instantOf, msOf } from "../../../../src/core/mod.ts";
import { type PlaytimeFixture, playtimeFixture, rowsOf } from "../playtime_fixture.ts";

const NOW = "2026-12-01T12:00:00.000Z";
const DAY_MS = 86_400_000;
const once = { left: () => false };

/** Heartbeats of so many days ago, in the order given, each waiting for the cloud or not. */
async function aged(
  fixture: PlaytimeFixture,
  rows: readonly { days: number; synced?: boolean; rejected?: boolean }[],
): Promise<void> {
  const { store } = fixture;
  await store.write(() => {
    const add = store.db.prepare(
      `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec,
         synced_at, rejected_at) VALUES (?, 'pc-1', ?, 1, 5, ?, ?)`,
    );
    for (const { days, synced, rejected } of rows) {
      const at = instantOf(msOf(NOW) - days * DAY_MS);
      add.run(`d${days}`, at, synced ? at : null, rejected ? at : null);
    }
  });
  await fixture.restart().outbox.counted;
}

const left = ({ store }: PlaytimeFixture) =>
  rowsOf(store, "heartbeats").map((row) => Reflect.get(row, "id"));

/** Prunes like `maintain`: again while there is more. */
async function pruneAll({ store, stream }: PlaytimeFixture, now = NOW): Promise<number> {
  let deleted = 0;
  for (let more = true; more;) {
    const result = await store.write(() => stream.prune(now, once));
    deleted += result.deleted;
    more = result.more;
  }
  return deleted;
}

Deno.test("Without a cloud, heartbeats are kept for retention_days", async () => {
  using fixture = playtimeFixture({ start: NOW, retention_days: 30 });
  await aged(fixture, [{ days: 400 }, { days: 31 }, { days: 29 }, { days: 0 }]);
  assert.equal(await pruneAll(fixture), 2);
  assert.deepEqual(left(fixture), ["d29", "d0"]);
  assert.equal(fixture.stream.outbox.depth().rows, 2);
});

Deno.test("With a cloud, what it does not have is kept for retention_unsynced_days", async () => {
  using fixture = playtimeFixture({ start: NOW, cloud: true, retention_unsynced_days: 365 });
  await aged(fixture, [
    { days: 400 },
    { days: 399, synced: true },
    { days: 364 },
    { days: 363, rejected: true },
    { days: 60, synced: true },
    { days: 31 },
    { days: 29, synced: true },
  ]);
  assert.equal(await pruneAll(fixture), 3);
  assert.deepEqual(left(fixture), ["d364", "d363", "d31", "d29"]);
  assert.equal(fixture.stream.outbox.depth().rows, 2);
});

Deno.test("Days and slots stay when their heartbeats go", async () => {
  using fixture = playtimeFixture({ start: "2026-03-02T12:00:00.000Z" });
  fixture.game = "Minecraft.exe";
  await fixture.stream.pollOnce();
  assert.equal(await pruneAll(fixture), 1);
  assert.equal(rowsOf(fixture.store, "daily_rollups").length, 1);
  assert.equal(rowsOf(fixture.store, "usage_slots").length, 1);
  assert.equal(fixture.stream.outbox.depth().rows, 0);
});

Deno.test("prune works in slices and goes on where it was", async () => {
  using fixture = playtimeFixture({ start: NOW });
  await aged(fixture, Array.from({ length: 1_000 }, (_, n) => ({ days: 90 - n / 100 })));
  await aged(fixture, [{ days: 1 }]);
  const { store, stream } = fixture;
  const first = await store.write(() => stream.prune(NOW, once));
  assert.deepEqual(first, { deleted: 25, more: true });
  assert.equal(await pruneAll(fixture), 975);
  assert.deepEqual(left(fixture), ["d1"]);
});

Deno.test("Heartbeats from when the clock was ahead do not keep older ones alive", async () => {
  using fixture = playtimeFixture({ start: NOW });
  await aged(fixture, [{ days: -20_000 }, { days: 40 }, { days: 1 }]);
  assert.equal(await pruneAll(fixture), 1);
  assert.deepEqual(left(fixture), ["d-20000", "d1"]);
});

Deno.test("Heartbeats from when the clock was behind are no older than those before them", async () => {
  using fixture = playtimeFixture({ start: NOW });
  await aged(fixture, [{ days: 20 }, { days: 2_000 }, { days: 1_999 }, { days: 19 }, { days: 0 }]);
  assert.equal(await pruneAll(fixture), 0);
  assert.equal(await pruneAll(fixture, instantOf(msOf(NOW) + 11 * DAY_MS)), 3);
  assert.deepEqual(left(fixture), ["d19", "d0"]);
});

Deno.test("Nor are those of them that the cloud does not have, pages later", async () => {
  using fixture = playtimeFixture({ start: NOW, cloud: true, retention_unsynced_days: 365 });
  await aged(fixture, [{ days: 100 }]);
  await aged(fixture, Array.from({ length: 60 }, (_, n) => ({ days: 2_000 + n })));
  await aged(fixture, [{ days: 3_000, synced: true }, { days: 50 }]);
  assert.equal(await pruneAll(fixture), 1);
  assert.equal(left(fixture).length, 62);
});
