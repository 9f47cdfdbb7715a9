import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { Migration } from "../../../src/core/mod.ts";
import { StoreError, type StoreErrorKind } from "../../../src/store/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { removeFolder, tempDir } from "../../support/temp.ts";
import { mountTmpfs } from "../../support/fakes/tmpfs.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};
const later: Migration = { name: "test-2-later", sql: "CREATE TABLE later (n INTEGER)" };

Deno.test("openStore refuses a database of a later version and leaves it byte for byte", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  openStore(path, { migrations: [notes, later] }).close();
  const before = folderContent(dir.path);
  refuses(path, "newer", /later version \(test-2-later\)\. Run that version/);
  assert.deepEqual(folderContent(dir.path), before);
});

Deno.test("openStore leaves the log of a killed later version as it is, too", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  crashedWith(path, [notes, later]);
  const before = folderContent(dir.path);
  assert.deepEqual([...before.keys()], ["clockblock.db", "clockblock.db-wal"]);
  refuses(path, "newer", /later version/);
  assert.deepEqual(folderContent(dir.path), before);
});

Deno.test("openStore opens what a killed agent of the same version left, with its log", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  crashedWith(path, [notes]);
  const store = openStore(path, { migrations: [notes, later] });
  assert.equal(store.db.prepare("SELECT text FROM notes").get()?.text, "kept");
  store.close();
});

Deno.test("openStore refuses a folder, a path in no folder, and another program's database", () => {
  using dir = tempDir();
  Deno.mkdirSync(`${dir.path}/folder`);
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  const other = new DatabaseSync(`${dir.path}/other.db`);
  other.exec("CREATE TABLE songs (title TEXT)");
  other.close();
  const before = folderContent(dir.path);
  refuses(`${dir.path}/folder`, "cannot-open", /it is a folder\. Name a file in it/);
  refuses(`${dir.path}/missing/a.db`, "cannot-open", /there is no folder ".*missing"\. Make it/);
  refuses(`${dir.path}/file/a.db`, "cannot-open", /there is no folder ".*file"/);
  refuses(`${dir.path}/other.db`, "cannot-open", /another program's database/);
  assert.deepEqual(folderContent(dir.path), before);
});

const foreign: Readonly<Record<string, (path: string) => void>> = {
  "a configuration": (path) => Deno.writeTextFileSync(path, '{ "db_path": "config.json" }'),
  "a large text": (path) => Deno.writeTextFileSync(path, "Dear diary, ".repeat(1_000)),
  "a picture": (path) => Deno.writeFileSync(path, new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16])),
  "a database with a list of migrations of its own": (path) =>
    sqlite(path, "CREATE TABLE migrations (id, name)"),
  "a database with a list of migrations of another kind": (path) =>
    sqlite(path, "CREATE TABLE migrations (version)"),
  "an empty database of another application": (path) => sqlite(path, "PRAGMA application_id=7"),
};

for (const [what, make] of Object.entries(foreign)) {
  Deno.test(`openStore refuses ${what}, and nothing is touched, now and at the next start`, () => {
    using dir = tempDir();
    const path = `${dir.path}/config.json`;
    make(path);
    const before = folderContent(dir.path);
    for (let start = 0; start < 2; start++) {
      refuses(path, "cannot-open", /none of ClockBlock's|another program's database/);
      assert.deepEqual(folderContent(dir.path), before);
    }
  });
}

Deno.test("openStore takes an empty file for a new database", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  Deno.writeFileSync(path, new Uint8Array());
  openStore(path, { migrations: [notes] }).close();
});

Deno.test("openStore repairs a database of its own whose list of migrations is gone", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  openStore(path, { migrations: [notes] }).close();
  sqlite(path, "DELETE FROM migrations");
  const store = openStore(path, { migrations: [notes] });
  assert.match(String(store.meta("repair")), /its list of migrations is gone/);
  store.close();
});

Deno.test("openStore refuses a database that another program has to itself", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  openStore(path, { migrations: [notes] }).close();
  const other = new Deno.Command(Deno.execPath(), {
    args: ["eval", HOLD_EXCLUSIVELY, path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = other.stdout.getReader();
  await reader.read();
  refuses(path, "busy", /another program has locked it\. Close that program/);
  await other.stdin.close();
  await reader.cancel();
  await other.status;
  openStore(path, { migrations: [notes] }).close();
});

Deno.test({
  name: "openStore refuses a read-only folder and changes nothing",
  ignore: !mountTmpfs.possible,
  fn() {
    using disk = mountTmpfs({ mb: 4 });
    const path = `${disk.path}/clockblock.db`;
    openStore(path, { migrations: [notes] }).close();
    const before = folderContent(disk.path);
    disk.setReadOnly();
    refuses(path, "readonly", /may not be written\. Change that, or use another folder/);
    refuses(`${disk.path}/new.db`, "readonly", /may not be written/);
    assert.deepEqual(folderContent(disk.path), before);
  },
});

Deno.test("openStore refuses a path outside the folder that the permissions allow", async () => {
  using dir = tempDir();
  const script = `
    import { openStore } from ${
    JSON.stringify(import.meta.resolve("../../../src/store/recovery/recovery.ts"))
  };
    try { openStore("../outside.db", { migrations: [] }); } catch (error) {
      console.log(error.kind, error.message);
    }`;
  Deno.writeTextFileSync(`${dir.path}/script.ts`, script);
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--config", config],
      ...["--allow-read=./", "--allow-write=./", "script.ts"],
    ],
    cwd: dir.path,
  }).output();
  assert.match(
    new TextDecoder().decode(stdout),
    /^cannot-open Cannot open "\.\.\/outside\.db": the agent may only use the folder/,
  );
});

const HOLD_EXCLUSIVELY = `
  import { DatabaseSync } from "node:sqlite";
  const db = new DatabaseSync(Deno.args[0]);
  db.exec("PRAGMA locking_mode=EXCLUSIVE");
  db.exec("BEGIN EXCLUSIVE");
  console.log("held");
  for await (const _ of Deno.stdin.readable);
  db.close();
`;

function sqlite(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function refuses(path: string, kind: StoreErrorKind, message: RegExp): void {
  assert.throws(() => openStore(path, { migrations: [notes] }), (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    return true;
  });
}

/** A database as a killed agent leaves it: what it committed still lies in the log. */
function crashedWith(path: string, migrations: readonly Migration[]): void {
  const folder = Deno.makeTempDirSync({ prefix: "clockblock-crashed-" });
  const store = openStore(`${folder}/a.db`, { migrations });
  store.db.exec("INSERT INTO notes (text) VALUES ('kept')");
  Deno.copyFileSync(`${folder}/a.db`, path);
  Deno.copyFileSync(`${folder}/a.db-wal`, `${path}-wal`);
  store.close();
  removeFolder(folder);
}

function folderContent(folder: string): Map<string, string> {
  // Windows keeps the empty file that was locked.
  const counts = (name: string) => Deno.build.os !== "windows" || !name.endsWith(".lock");
  return new Map(
    [...Deno.readDirSync(folder)].filter(({ isFile, name }) => isFile && counts(name))
      .map(({ name }) => name).sort()
      .map((name) => [name, Deno.readFileSync(`${folder}/${name}`).toHex()]),
  );
}
