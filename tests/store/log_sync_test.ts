import assert from "node:assert/strict";
import { openConnection } from "../../src/store/database.ts";
import { LogSync } from "../../src/store/log_sync.ts";
import { tempDir } from "../support/temp.ts";

Deno.test("LogSync brings the log of an open database to the disk, and lets SQLite remove it", async () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  const db = openConnection(path);
  db.exec("CREATE TABLE notes (n INTEGER)");
  const log = LogSync.of(path);
  assert.ok(log);
  db.exec("INSERT INTO notes VALUES (1)");
  await log.sync();
  log.close();
  db.close();
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["a.db"]);
});

Deno.test("LogSync closes while the disk is still busy, and the sync ends all the same", async () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  const db = openConnection(path);
  db.exec("CREATE TABLE notes (n INTEGER)");
  const log = LogSync.of(path)!;
  const synced = log.sync();
  log.close();
  db.close();
  await synced;
});

Deno.test("LogSync has nothing to bring where there is no log", () => {
  using dir = tempDir();
  assert.equal(LogSync.of(":memory:"), undefined);
  assert.equal(LogSync.of(`${dir.path}/none.db`), undefined);
});

Deno.test("LogSync drops none of SQLite's locks when it closes", async () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  const db = openConnection(path);
  db.exec("CREATE TABLE notes (n INTEGER); BEGIN IMMEDIATE; INSERT INTO notes VALUES (1)");
  LogSync.of(path)!.close();
  // Asked in a process of its own: within one, the system's locks are not what keeps connections apart.
  assert.match(await beginElsewhere(path), /database is locked/);
  db.exec("COMMIT");
  assert.equal(await beginElsewhere(path), "begun");
  db.close();
});

async function beginElsewhere(path: string): Promise<string> {
  const code = `
    import { DatabaseSync } from "node:sqlite";
    let outcome = "begun";
    try {
      new DatabaseSync(Deno.args[0], { timeout: 0 }).exec("BEGIN IMMEDIATE");
    } catch (error) {
      outcome = error.message;
    }
    await Deno.stdout.write(new TextEncoder().encode(outcome));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["eval", code, path] })
    .output();
  return new TextDecoder().decode(stdout);
}
