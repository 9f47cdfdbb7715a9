import assert from "node:assert/strict";
import { tempDir } from "../../../support/temp.ts";
import { until } from "../../../support/until.ts";
import { Relay } from "../relay.ts";

Deno.test("People are read once from the punches of an earlier version", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = await Relay.start({ path });
  const record = Array.from({ length: 120 }, (_, n) => ({
    enrollid: n + 1,
    name: `Person ${n + 1}`,
    time: "2026-10-05 09:00:00",
  }));
  await (await first.registered()).ask({ cmd: "sendlog", record });
  await first.store.write(() => {
    for (const table of ["people", "device_names"]) first.rows(`DELETE FROM ${table}`);
    first.rows("DELETE FROM meta WHERE key = 'attendance.people_read'");
  });
  await first.stop();

  const second = await Relay.start({ path, config: { enabled: true } });
  await until(() => second.count("people") === 120, "they are read");
  assert.equal(
    second.rows("SELECT name FROM people WHERE person_id = '77'")[0]?.name,
    "Person 77",
  );
  await second.store.write(() => second.rows("DELETE FROM people"));
  await second.stop();

  await using third = await Relay.start({ path });
  assert.equal(third.count("people"), 0, "not again");
});
