import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Migration, Warnings } from "../../../src/core/mod.ts";
import { findDamage, Store, storeErrorKind } from "../../../src/store/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { overwrite } from "../../support/fakes/damage.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";

const NOW = "2026-03-05T08:30:00.000Z";
const DAY_MS = 24 * 60 * 60_000;

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};
const later: Migration = { name: "test-2-later", sql: "CREATE TABLE later (n INTEGER)" };

const damages: Readonly<Record<string, (path: string) => void>> = {
  "that is not a database": (path) => Deno.writeTextFileSync(path, "Dear diary, ".repeat(1000)),
  "full of zeros": (path) => Deno.writeFileSync(path, new Uint8Array(Deno.statSync(path).size)),
  "whose first page is gone": (path) => overwrite(path, 0, new Uint8Array(4096)),
  "whose magic is wrong": (path) => overwrite(path, 3, new Uint8Array([0x20])),
  "whose page size is wrong": (path) => overwrite(path, 16, new Uint8Array([0x12, 0x34])),
  "whose schema is garbage": (path) => overwrite(path, 100, new Uint8Array(60).fill(0xff)),
  "that was cut in half": (path) => Deno.truncateSync(path, Deno.statSync(path).size >> 1),
  "that lost its last bytes": (path) => Deno.truncateSync(path, Deno.statSync(path).size - 5000),
  // The last letter of a note: SQLite would take a zero for it and find nothing wrong.
  "that lost its last byte": (path) => Deno.truncateSync(path, Deno.statSync(path).size - 1),
  "cut within its header": (path) => Deno.truncateSync(path, 37),
};

for (const [what, damage] of Object.entries(damages)) {
  Deno.test(`openStore moves a file ${what} aside and restores the newest good backup`, () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    makeDatabase(path, ["monday", "tuesday", "wednesday"]);
    makeBackup(dir.path, "2026-03-02", ["monday"]);
    makeBackup(dir.path, "2026-03-03", ["monday", "tuesday"]);
    damage(path);
    const broken = Deno.readFileSync(path);

    const { texts, warnings } = opened(path);
    assert.deepEqual(texts, ["monday", "tuesday"]);
    const moved = `${path}.corrupt-20260305T083000Z-1`;
    assert.deepEqual(Deno.readFileSync(moved), broken);
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0]?.code, "database-restored");
    assert.match(
      warnings[0].message,
      /^The database was damaged \(.+\); the backup of 2026-03-03T00:00:00\.000Z was restored: what was recorded between then and 2026-03-05T08:30:00\.000Z is missing, as far as it cannot still be read\. The damaged file is kept as .+\.corrupt-20260305T083000Z-1\.$/,
    );
  });
}

Deno.test("findDamage minds no page that is cut where the log has it", () => {
  using dir = tempDir();
  using other = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA wal_autocheckpoint=0; VACUUM");
  const copy = `${other.path}/clockblock.db`;
  for (const suffix of ["", "-wal"]) Deno.copyFileSync(path + suffix, copy + suffix);
  db.close();
  Deno.truncateSync(copy, Deno.statSync(copy).size - 1);
  assert.equal(findDamage(copy, { migrations: [notes], tidy: true }), undefined);
  Deno.removeSync(`${copy}-wal`);
  assert.match(findDamage(copy, { migrations: [notes], tidy: true }) ?? "", /last page is cut/);
});

Deno.test("openStore makes a new database when a damaged database has no backup", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  Deno.truncateSync(path, 5000);
  const { texts, warnings } = opened(path);
  assert.deepEqual(texts, []);
  assert.match(warnings[0]?.message ?? "", /no good backup, so a new database was created/);
});

Deno.test("openStore restores an emptied file where there is a backup", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeBackup(dir.path, "2026-03-03", ["monday"]);
  Deno.writeFileSync(path, new Uint8Array());
  const { texts, warnings } = opened(path);
  assert.deepEqual(texts, ["monday"]);
  assert.match(warnings[0]?.message ?? "", /the file is empty/);
});

Deno.test("openStore passes over backups that are damaged, of a later version or another program's", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  Deno.truncateSync(path, 5000);
  makeBackup(dir.path, "2026-03-01", ["good"]);
  makeBackup(dir.path, "2026-03-02", ["later"], [notes, later]);
  // Damage that only reading every page finds.
  const many = Array.from({ length: 2000 }, (_, i) => `note ${i}`.padEnd(100));
  const damaged = makeBackup(dir.path, "2026-03-03", many);
  overwrite(damaged, Deno.statSync(damaged).size - 3 * 4096, new Uint8Array(4096).fill(0x5a));
  const song = new DatabaseSync(`${dir.path}/backups/clockblock-2026-03-04.db`);
  song.exec("CREATE TABLE songs (title TEXT)");
  song.close();
  assert.deepEqual(opened(path).texts, ["good"]);
});

Deno.test("openStore keeps the log of a damaged database with it, away from the restored one", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeBackup(dir.path, "2026-03-03", ["monday"]);
  makeDatabase(path, ["lost"]);
  const store = new Store(path, { migrations: [notes] });
  store.db.exec("INSERT INTO notes (text) VALUES ('in the log')");
  const log = Deno.readFileSync(`${path}-wal`);
  store.close();
  Deno.truncateSync(path, 37);
  Deno.writeFileSync(`${path}-wal`, log);
  assert.deepEqual(opened(path).texts, ["monday"]);
  assert.deepEqual(Deno.readFileSync(`${path}.corrupt-20260305T083000Z-1-wal`), log);
});

Deno.test("openStore goes on with a restore that a crash interrupted", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  // As it lies there between moving the damaged database and its log: the log must not touch the backup.
  makeDatabase(`${path}.restoring`, ["monday"]);
  Deno.writeTextFileSync(`${path}-wal`, "the log of the damaged one");
  Deno.writeTextFileSync(`${path}.restoring.part`, "half a copy");
  assert.deepEqual(opened(path).texts, ["monday"]);
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
  assert.deepEqual(names.filter((name) => !name.endsWith(".lock")), [
    "clockblock.db",
    "clockblock.db.corrupt-20260305T083000Z-1-wal",
  ]);
});

Deno.test("openStore looks again at what the agent found damaged while it ran", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeBackup(dir.path, "2026-03-03", ["monday"]);
  const many = Array.from({ length: 2000 }, (_, i) => `note ${i}`.padEnd(100));
  makeDatabase(path, many);
  overwrite(path, Deno.statSync(path).size - 3 * 4096, new Uint8Array(4096).fill(0x5a));

  assert.equal(opened(path).warnings.length, 0, "opening alone does not find it");
  Deno.writeTextFileSync(
    `${path}.suspect`,
    "Tree 2 page 17: btreeInitPage() returns error code 11",
  );
  assert.deepEqual(opened(path).texts, ["monday"]);
  assert.throws(() => Deno.statSync(`${path}.suspect`), Deno.errors.NotFound);
});

Deno.test("openStore drops a suspicion that is not true of the file that lies there now", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeBackup(dir.path, "2026-03-03", ["monday"]);
  makeDatabase(path, ["replaced by hand"]);
  Deno.writeTextFileSync(
    `${path}.suspect`,
    "Tree 2 page 17: btreeInitPage() returns error code 11",
  );
  const { texts, warnings } = opened(path);
  assert.deepEqual(texts, ["replaced by hand"]);
  assert.deepEqual(warnings, []);
  assert.throws(() => Deno.statSync(`${path}.suspect`), Deno.errors.NotFound);
});

Deno.test("openStore keeps the newest three damaged databases", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const clock = new FakeClock(NOW);
  for (let day = 0; day < 5; day++) {
    Deno.writeTextFileSync(path, `Dear diary of day ${day}`);
    Deno.writeTextFileSync(`${path}-wal`, "a log");
    opened(path, clock);
    clock.set(clock.now() + DAY_MS);
  }
  const names = [...Deno.readDirSync(dir.path)].map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => name.includes("corrupt")).sort(),
    ["07T083000Z-3", "08T083000Z-4", "09T083000Z-5"].flatMap((time) =>
      ["", "-wal"].map((suffix) => `clockblock.db.corrupt-202603${time}${suffix}`)
    ),
  );
});

Deno.test("openStore keeps the damaged databases that were moved aside last, whatever the clock showed", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const damaged = (text: string, time: string) => {
    Deno.writeTextFileSync(path, text);
    Deno.writeTextFileSync(`${path}-wal`, "a log");
    opened(path, new FakeClock(time));
  };
  for (const day of ["01", "02", "03"]) damaged("ahead", `2031-01-${day}T08:30:00.000Z`);
  damaged("newest but one", NOW);
  // Twice within a second: neither takes the other's name.
  damaged("newest", NOW);
  const texts = [...Deno.readDirSync(dir.path)].map(({ name }) => name)
    .filter((name) => /corrupt-[^w]+$/.test(name))
    .map((name) => Deno.readTextFileSync(`${dir.path}/${name}`));
  assert.deepEqual(texts.sort(), ["ahead", "newest", "newest but one"]);
});

Deno.test("openStore restores the newest of the backups without a number by what is in them", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  Deno.truncateSync(path, 5000);
  makeBackup(dir.path, "2026-03-02", ["monday", "tuesday"]);
  makeBackup(dir.path, "2031-01-01", ["monday"]);
  assert.deepEqual(opened(path).texts, ["monday", "tuesday"]);
});

Deno.test("openStore reminds of a repair for a week", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  Deno.truncateSync(path, 5000);
  const clock = new FakeClock(NOW);
  assert.equal(opened(path, clock).warnings.length, 1);
  clock.set(clock.now() + 6 * DAY_MS);
  assert.equal(opened(path, clock).warnings.length, 1);
  clock.set(clock.now() + 2 * DAY_MS);
  assert.equal(opened(path, clock).warnings.length, 0);
});

Deno.test("openStore brings a database cut anywhere back to one that works", () => {
  const many = Array.from({ length: 2000 }, (_, i) => `note ${i}`.padEnd(100));
  for (let cut = 1; cut < 16; cut++) {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    makeDatabase(path, many);
    makeBackup(dir.path, "2026-03-03", ["monday"]);
    const size = Deno.statSync(path).size;
    Deno.truncateSync(path, Math.floor(size * cut / 16 + 511 * cut) % size);
    const { texts, warnings } = opened(path);
    assert.deepEqual(texts, ["monday"]);
    assert.equal(warnings.length, 1);
  }
});

Deno.test("openStore copes with any byte of the header flipped: it opens as before, or from the backup", () => {
  for (let at = 0; at < 100; at++) {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    makeDatabase(path, ["monday", "tuesday"]);
    makeBackup(dir.path, "2026-03-03", ["monday"]);
    const byte = Deno.readFileSync(path)[at]!;
    overwrite(path, at, new Uint8Array([byte ^ 0xff]));
    const { texts, warnings } = opened(path);
    const expected = warnings.length > 0 ? ["monday"] : ["monday", "tuesday"];
    assert.deepEqual(texts, expected, `byte ${at}`);
    const store = new Store(path, { migrations: [notes] });
    try {
      store.setMeta("writable", "yes");
    } catch (error) {
      // What opening cannot see is seen by the first write that meets it, and by the check that it causes.
      assert.equal(storeErrorKind(error), "corrupt", `byte ${at}`);
      assert.ok(findDamage(path, { migrations: [notes], thoroughly: true }), `byte ${at}`);
    } finally {
      store.close();
    }
  }
});

function opened(path: string, clock = new FakeClock(NOW)) {
  const warnings = new Warnings({ clock });
  const store = openStore(path, { migrations: [notes], clock, warnings });
  try {
    const rows = store.db.prepare("SELECT text FROM notes ORDER BY n LIMIT 3").all();
    return { texts: rows.map(({ text }) => text), warnings: warnings.list() };
  } finally {
    store.close();
  }
}

function makeDatabase(path: string, texts: readonly string[], migrations = [notes]): void {
  const store = new Store(path, { migrations });
  const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
  store.db.exec("BEGIN");
  for (const text of texts) insert.run(text);
  store.db.exec("COMMIT");
  store.close();
}

/** A backup as the agent makes it: one file, without a log. */
function makeBackup(
  folder: string,
  day: string,
  texts: readonly string[],
  migrations = [notes],
): string {
  Deno.mkdirSync(`${folder}/backups`, { recursive: true });
  const path = `${folder}/backups/clockblock-${day}.db`;
  makeDatabase(path, texts, migrations);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=DELETE");
  db.close();
  const made = new Date(`${day}T00:00:00Z`);
  Deno.utimeSync(path, made, made);
  return path;
}
