import assert from "node:assert/strict";
import { idSource, instantOf, msOf } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/streams/playtime/mod.ts";
import { openTables, recordHeartbeat } from "../../../src/streams/playtime/tables.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir, tempStore } from "../../support/temp.ts";
import { playtimeFixture, rowsOf } from "./playtime_fixture.ts";

Deno.test("A stored heartbeat takes at most 150 bytes, with indexes", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  const tables = openTables(store);
  const ids = idSource(new FakeClock());
  const deviceId = crypto.randomUUID();
  const bytes = () =>
    Number(
      store.db.prepare("SELECT sum(pgsize) AS size FROM dbstat WHERE name LIKE 'heartbeats%'")
        .get()?.size,
    );
  const empty = bytes();
  const rows = 5_000;
  await store.write(() => {
    for (let n = 0; n < rows; n++) {
      recordHeartbeat(tables, {
        id: ids(),
        device_id: deviceId,
        timestamp_utc: instantOf(msOf("2026-03-02T12:00:00.000Z") + n * 5_000),
        is_playing: true,
        poll_interval_sec: 5,
        process_name: "Minecraft.exe",
      }, { allowance: 0 });
    }
  });
  const each = (bytes() - empty) / rows;
  assert(each <= 150, `a heartbeat takes ${each} bytes`);
});

Deno.test("Days from when no limit was written as 0 have none, up to the first day that allowed something", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const before = new Store(path, { migrations: migrations.slice(0, 1) });
  before.db.exec(`
    INSERT INTO daily_rollups (device_id, date_utc, minutes_used, minutes_overdraft, allowance_min,
      last_heartbeat_at, updated_at)
    SELECT column1, column2, column3, column4, column5, 'a', 'b' FROM (VALUES
      ('never', '2026-03-01', 10, 10, 0), ('never', '2026-03-02', 5, 5, 0),
      ('later', '2026-03-01', 10, 10, 0), ('later', '2026-03-02', 70, 10, 60),
      ('later', '2026-03-03', 7, 7, 0))`);
  before.close();
  const after = new Store(path, { migrations });
  assert.deepEqual(
    after.db.prepare("SELECT * FROM daily_rollups").all().map((row) => Object.values(row)),
    [
      ["later", "2026-03-01", 10, 0, null, "a", "b"],
      ["later", "2026-03-02", 70, 10, 60, "a", "b"],
      ["later", "2026-03-03", 7, 7, 0, "a", "b"],
      ["never", "2026-03-01", 10, 0, null, "a", "b"],
      ["never", "2026-03-02", 5, 0, null, "a", "b"],
    ],
  );
  after.close();
});

// What programs written for the first tables send, word for word.
const INSERT_HEARTBEAT = `
  INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, synced_at)
  VALUES (?, ?, ?, ?, ?, NULL)`;
const GROW_DAY = `
  INSERT INTO daily_rollups (device_id, date_utc, minutes_used, minutes_overdraft, last_heartbeat_at, updated_at)
  VALUES (?, ?, ?, 0, ?, ?)
  ON CONFLICT(device_id, date_utc)
  DO UPDATE SET
      minutes_used = minutes_used + ?,
      last_heartbeat_at = excluded.last_heartbeat_at,
      updated_at = excluded.updated_at`;

Deno.test("Statements that know only the tables' first columns run, and their rows are read and counted", async () => {
  using fixture = playtimeFixture({ start: "2026-01-16T12:00:05.000Z" });
  const { store, stream } = fixture;
  const at = "2026-01-16T12:00:00Z";
  store.db.prepare(INSERT_HEARTBEAT).run("hb-1", "pc-1", at, 1, 5);
  for (let n = 0; n < 2; n++) {
    store.db.prepare(GROW_DAY).run("pc-1", "2026-01-16", 5 / 60, at, at, 5 / 60);
  }
  assert.deepEqual(
    {
      ...store.db.prepare(
        `SELECT minutes_used, minutes_overdraft, last_heartbeat_at, updated_at FROM daily_rollups
       WHERE device_id = ? AND date_utc = ?`,
      ).get("pc-1", "2026-01-16"),
    },
    { minutes_used: 10 / 60, minutes_overdraft: 0, last_heartbeat_at: at, updated_at: at },
  );
  const [unsynced] = store.db.prepare(
    `SELECT id, device_id, timestamp_utc, is_playing, poll_interval_sec FROM heartbeats
     WHERE synced_at IS NULL ORDER BY timestamp_utc ASC LIMIT ?`,
  ).all(10);
  assert.equal(unsynced?.id, "hb-1");
  fixture.game = "Minecraft.exe";
  await stream.pollOnce();
  assert.deepEqual(
    rowsOf(store, "daily_rollups").map((row) => Reflect.get(row, "minutes_used")),
    [15 / 60],
  );
  store.db.prepare("UPDATE heartbeats SET synced_at = ? WHERE id IN (?)").run(at, "hb-1");
  store.db.prepare("DELETE FROM heartbeats WHERE timestamp_utc < ?").run("2026-01-16T12:00:01Z");
  assert.equal(rowsOf(store, "heartbeats").length, 1);
});
