import assert from "node:assert/strict";
import { idSource, instantOf, msOf } from "../../../src/core/mod.ts";
import { migrations } from "../../../src/streams/playtime/mod.ts";
import { openTables, record } from "../../../src/streams/playtime/tables.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { tempStore } from "../../support/temp.ts";

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
      record(tables, {
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
