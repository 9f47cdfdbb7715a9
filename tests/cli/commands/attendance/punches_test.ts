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

Deno.test("punches are added, struck out and restored by a person, also when no agent runs", async () => {
  using folder = cliFolder({ process_name: "no such game", attendance: { time_zone: "UTC" } });
  await folder.cli("--once");
  const who = ["--by", "Ann", "--reason", "forgot"];
  const added = await folder.cli("punches", "add", "7", "2026-03-02 17:30", ...who);
  const [, id] = /^Punch (\w{64}) of 7 at 2026-03-02T17:30:00.000Z is added\n$/.exec(added.out)!;
  const struck = await folder.cli("punches", "strike", id!, ...who);
  assert.equal(struck.out, "Punch of 7 at 2026-03-02T17:30:00.000Z is struck out\n");
  const again = await folder.cli("punches", "strike", id!, ...who);
  assert.deepEqual([again.code, again.out], [1, ""]);
  assert.match(again.err, /is struck out already/);
  assert.match((await folder.cli("punches", "restore", id!, ...who)).out, /counts again/);
  assert.equal((await folder.cli("punches", "add", "7", "2026-03-02 17:31")).code, 2);
  const { out } = await folder.cli("punches", "corrections", "--format", "json", "--person", "7");
  const kinds = JSON.parse(out).map(({ kind, by }: Record<string, string>) => [kind, by]);
  assert.deepEqual(kinds, [["restore", "Ann"], ["strike", "Ann"], ["add", "Ann"]]);
});
