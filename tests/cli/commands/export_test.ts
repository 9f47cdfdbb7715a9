/** Which heartbeats and days are exported, of a database with more than one page of them. @module */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cliFolder, type Folder } from "../../support/process/cli.ts";

const CONFIG = { process_name: "no such game", time_zone: "UTC", retention_days: 3_650 };

/** A database that holds heartbeats of these times and no others. */
async function folderWith(times: readonly string[]): Promise<Folder> {
  const folder = cliFolder(CONFIG);
  await folder.cli("--once");
  using db = new DatabaseSync(`${folder.path}/clockblock.db`);
  db.exec("BEGIN; DELETE FROM heartbeats");
  const insert = db.prepare(
    `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec)
     VALUES (?, 'pc-1', ?, 0, 5)`,
  );
  times.forEach((time, index) => insert.run(`h${index}`, time));
  db.exec("COMMIT");
  return folder;
}

async function exported(folder: Folder, ...args: string[]): Promise<Record<string, string>[]> {
  const { code, out, err } = await folder.cli("export", "--format", "json", ...args);
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

Deno.test("export begins with a day's first moment and ends before the next day's", async () => {
  using folder = await folderWith([
    "2026-03-01T23:59:59.999Z",
    "2026-03-02T00:00:00.000Z",
    "2026-03-02T23:59:59.999Z",
    "2026-03-03T00:00:00.000Z",
  ]);
  const rows = await exported(folder, "--from", "2026-03-02", "--to", "2026-03-02");
  assert.deepEqual(rows.map(({ id }) => id), ["h2", "h1"]);
});

Deno.test("export goes on behind a heartbeat from when the clock was wrong", async () => {
  const day = Array.from(
    { length: 6_000 },
    (_, n) => new Date(Date.parse("2026-03-02T00:00:00Z") + n * 5_000).toISOString(),
  );
  using folder = await folderWith(["2026-02-01T00:00:00.000Z", ...day, "1999-12-31T23:00:00.000Z"]);
  assert.equal((await exported(folder, "--from", "2026-03-02")).length, 6_000);
});

Deno.test("export of years has each day once", async () => {
  using folder = await folderWith([]);
  const days = await exported(
    folder,
    ...["--what", "days", "--from", "2023-12-31", "--to", "2026-01-02"],
  );
  assert.equal(days.length, 734);
  assert.equal(new Set(days.map(({ date_utc }) => date_utc)).size, 734);
  assert.deepEqual([days[0]?.date_utc, days.at(-1)?.date_utc], ["2023-12-31", "2026-01-02"]);
});
