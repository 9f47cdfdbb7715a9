import assert from "node:assert/strict";
import { dirname } from "node:path";
import type { Migration } from "../../../src/core/mod.ts";
import { DailyBackup } from "../../../src/store/backup/backup.ts";
import { backupTo, listBackups, storeErrorKind } from "../../../src/store/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir, tempStore } from "../../support/temp.ts";
import { overwrite } from "../../support/fakes/damage.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};

Deno.test("backupTo copies a database in use into one file that is a database again", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  const target = `${path}.copy`;
  await store.write(() => store.db.exec("INSERT INTO notes (text) VALUES ('kept')"));
  await backupTo(store, target);
  await store.write(() => store.db.exec("INSERT INTO notes (text) VALUES ('later')"));
  const files = [...Deno.readDirSync(dirname(path))].map(({ name }) => name);
  assert.deepEqual(files.filter((name) => name.includes(".copy")), ["clockblock.db.copy"]);
  const copy = openStore(target, { migrations: [notes] });
  assert.deepEqual(copy.db.prepare("SELECT text FROM notes").all().map(({ text }) => text), [
    "kept",
  ]);
  copy.close();
});

Deno.test("backupTo comes to its end while rows are written without a pause", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
  await store.write(() => {
    for (let n = 0; n < 24_000; n++) insert.run("x".repeat(3_000));
  });
  const end = new AbortController();
  let ended = false;
  const copied = backupTo(store, `${path}.copy`, { signal: end.signal })
    .finally(() => ended = true);
  for (let n = 0; !ended && n < 20_000; n++) {
    await store.write(() => insert.run(`later ${n}`));
    // The worker's answer comes with the event loop's next look at what others sent.
    if (n % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  end.abort();
  await copied;
  const copy = openStore(`${path}.copy`, { migrations: [notes] });
  const { rows, newest } = copy.db.prepare("SELECT count(*) AS rows, max(n) AS newest FROM notes")
    .get()!;
  assert.ok(Number(rows) >= 24_000);
  assert.equal(rows, newest, "of one moment");
  copy.close();
});

Deno.test("backupTo writes over nothing and says where it cannot write", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  await assert.rejects(backupTo(store, path), /there is a file already\. Choose another name/);
  await assert.rejects(backupTo(store, `${path}.d/a.db`), /there is no folder/);
  await assert.rejects(backupTo(store, dirname(path)), /it is a folder/);
});

Deno.test("backupTo makes no backup of a damaged database", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const store = openStore(path, { migrations: [notes] });
  const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
  for (let i = 0; i < 500; i++) insert.run(`note ${i}`.padEnd(100));
  store.close();
  overwrite(path, Deno.statSync(path).size - 3 * 4096, new Uint8Array(4096).fill(0x5a));
  await assert.rejects(
    backupTo({ path }, `${dir.path}/copy.db`),
    (error: Error) => storeErrorKind(error) === "corrupt" && /is damaged/.test(error.message),
  );
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  assert.deepEqual(names.filter((name) => name.startsWith("copy")), []);
});

Deno.test("DailyBackup removes no backup when the new one fails", async () => {
  using temp = tempStore([notes]);
  const { store, path } = temp;
  Deno.mkdirSync(`${dirname(path)}/backups`);
  for (const day of ["01", "02", "03", "04"]) {
    await backupTo(store, `${dirname(path)}/backups/clockblock-2026-03-${day}.db`);
  }
  const days = () => listBackups(path).map(({ day }) => day);
  const before = days();
  const backup = new DailyBackup(store, new FakeClock("2026-03-05T12:00:00.000Z"));
  const stopped = await backup.make({ signal: AbortSignal.abort() });
  assert.deepEqual([stopped.state, days()], ["failed", before]);
  assert.equal((await backup.make()).state, "sound");
  assert.equal(days().length, 3);
  assert.ok(days().includes("2026-03-05"));
});
