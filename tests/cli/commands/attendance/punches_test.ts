import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cliFolder } from "../../../support/process/cli.ts";

Deno.test("punches export has no person that a spreadsheet takes for a formula", async () => {
  using folder = cliFolder({ process_name: "no such game" });
  await folder.cli("--once");
  const persons = ["=1+1", "+1", "-1", "@SUM(1)", "1001", "a=b"];
  {
    using db = new DatabaseSync(`${folder.path}/clockblock.db`);
    const insert = db.prepare(
      `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at,
         received_at, time_suspect, raw)
       VALUES (?, 'DEV1', ?, '2026-03-02 09:15:30', 'UTC', '2026-03-02T09:15:30.000Z',
         '2026-03-02T09:15:30.000Z', 0, ?)`,
    );
    for (const person of persons) {
      insert.run(`p ${person}`, person, JSON.stringify({ name: person }));
    }
  }
  const { out } = await folder.cli("punches", "export", "--format", "csv");
  const rows = out.trimEnd().split("\r\n").slice(1).map((row) => row.split(",").slice(2, 4));
  const shown = ["'=1+1", "'+1", "'-1", "'@SUM(1)", "1001", "a=b"];
  assert.deepEqual(rows.reverse(), shown.map((person) => [person, person]));
  const json = JSON.parse((await folder.cli("punches", "export", "--format", "json")).out);
  assert.deepEqual(
    json.map(({ person_id }: { person_id: string }) => person_id).reverse(),
    persons,
  );
});
