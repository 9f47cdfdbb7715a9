import assert from "node:assert/strict";
import { instantOf, msOf, SLOT_MS, slotAt } from "../../../src/core/mod.ts";
import { renameDays } from "../../../src/streams/playtime/mod.ts";
import { renameHeartbeats } from "../../../src/streams/playtime/rename.ts";
import { openTables, recordHeartbeat } from "../../../src/streams/playtime/tables.ts";
import { type PlaytimeFixture, playtimeFixture, rowsOf } from "./playtime_fixture.ts";

const START = "2026-03-02T12:00:00.000Z";

/** Play of a device: a heartbeat every `stepMs`. */
async function play(
  { store }: PlaytimeFixture,
  deviceId: string,
  { from = START, count = 12, stepMs = 5_000 } = {},
): Promise<void> {
  const tables = openTables(store);
  await store.write(() => {
    for (let n = 0; n < count; n++) {
      recordHeartbeat(tables, {
        id: `${deviceId}-${from}-${n}`,
        device_id: deviceId,
        timestamp_utc: instantOf(msOf(from) + n * stepMs),
        is_playing: true,
        poll_interval_sec: stepMs / 1_000,
        process_name: "Minecraft.exe",
      }, { allowance: 1 });
    }
  });
}

type Row = Record<string, unknown>;
const names = (
  { store }: PlaytimeFixture,
  table: Parameters<typeof rowsOf>[1],
) => [...new Set((rowsOf(store, table) as Row[]).map(({ device_id }) => device_id))];
const days = ({ store }: PlaytimeFixture) =>
  (rowsOf(store, "daily_rollups") as Row[]).map((day) =>
    [day.device_id, day.date_utc, day.minutes_used, day.minutes_overdraft] as const
  );

Deno.test("renameDays gives days and slots the new name, and leaves those of other machines alone", async () => {
  using fixture = playtimeFixture();
  await play(fixture, "old");
  await play(fixture, "old", { from: "2026-03-03T09:00:00.000Z", count: 36 });
  await play(fixture, "foreign");
  await renameDays(fixture.store, { before: ["old"], id: "new" });
  assert.deepEqual(days(fixture), [
    ["foreign", "2026-03-02", 1, 0],
    ["new", "2026-03-02", 1, 0],
    ["new", "2026-03-03", 3, 2],
  ]);
  assert.deepEqual(names(fixture, "usage_slots"), ["foreign", "new"]);
});

Deno.test("A day that both names have is what its slots come to, however often it is joined", async () => {
  using fixture = playtimeFixture();
  await play(fixture, "old");
  await play(fixture, "new", { from: "2026-03-02T13:00:00.000Z", count: 24 });
  const { rollups, slots } = openTables(fixture.store);
  const before = rollups.get("old", "2026-03-02")!;
  const slot = rowsOf(fixture.store, "usage_slots")[0] as Row;
  await renameDays(fixture.store, { before: ["old"], id: "new" });
  assert.deepEqual(days(fixture), [["new", "2026-03-02", 3, 2]]);
  // A repair may bring back what had gone over.
  await fixture.store.write(() => {
    rollups.put(before);
    slots.put("old", String(slot.slot_utc), 60_000);
  });
  await renameDays(fixture.store, { before: ["old"], id: "new" });
  assert.deepEqual(days(fixture), [["new", "2026-03-02", 3, 2]]);
});

Deno.test("renameDays brings years over, in many writes", async () => {
  using fixture = playtimeFixture();
  const { rollups, slots } = openTables(fixture.store);
  const from = msOf("2020-01-01T00:00:00.000Z");
  await fixture.store.write(() => {
    for (let n = 0; n < 4_000; n++) slots.put("old", slotAt(from + n * SLOT_MS), 60_000);
    for (let n = 0; n < 450; n++) {
      const at = instantOf(from + n * 86_400_000);
      rollups.put({
        device_id: "old",
        date_utc: at.slice(0, 10),
        minutes_used: 1,
        minutes_overdraft: 0,
        allowance_min: null,
        last_heartbeat_at: at,
        updated_at: at,
      });
    }
  });
  await renameDays(fixture.store, { before: ["never there", "old"], id: "new" });
  assert.deepEqual(names(fixture, "usage_slots"), ["new"]);
  assert.deepEqual(names(fixture, "daily_rollups"), ["new"]);
  assert.equal(days(fixture).length, 450);
  assert.equal(rowsOf(fixture.store, "usage_slots").length, 4_000);
});

Deno.test("renameHeartbeats goes on where it was interrupted, while others write", async () => {
  using fixture = playtimeFixture();
  await play(fixture, "old", { count: 1_700 });
  await play(fixture, "foreign", { count: 3 });
  const stop = new AbortController();
  let ended = 0;
  const options = { before: ["old"], id: "new", done: () => ended++ };
  const first = renameHeartbeats(fixture.store, { ...options, signal: stop.signal });
  await fixture.store.write(() => stop.abort());
  await assert.rejects(first, { name: "AbortError" });
  assert.deepEqual(names(fixture, "heartbeats").sort(), ["foreign", "new", "old"]);
  assert.equal(ended, 0);
  const second = renameHeartbeats(fixture.store, { ...options, signal: fixture.store.closing });
  await play(fixture, "new", { from: "2026-03-02T18:00:00.000Z" });
  await second;
  assert.deepEqual(names(fixture, "heartbeats").sort(), ["foreign", "new"]);
  assert.equal(ended, 1);
});

Deno.test("Heartbeats that wait for the cloud are sent under the new name before they have it", async () => {
  using fixture = playtimeFixture();
  await play(fixture, "old", { count: 2 });
  await play(fixture, "foreign", { count: 1 });
  const stream = fixture.restart({ deviceId: "new", formerDeviceIds: ["old"] });
  assert.deepEqual(
    stream.outbox.pending(10).rows.map((row) => row.device_id),
    ["new", "new", "foreign"],
  );
  assert.deepEqual(names(fixture, "heartbeats"), ["old", "foreign"]);
});

Deno.test("A recompute waits until a day's heartbeats have one name", async () => {
  using fixture = playtimeFixture();
  const { store } = fixture;
  await play(fixture, "old", { count: 1_200 });
  await renameDays(store, { before: ["old"], id: "new" });
  const before = rowsOf(store, "daily_rollups");
  const stream = fixture.restart({ deviceId: "new", formerDeviceIds: ["old"] });
  assert.equal((await stream.recompute()).changed, 0);
  assert.deepEqual(rowsOf(store, "daily_rollups"), before);
});
