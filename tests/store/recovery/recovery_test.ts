/** Repairs that are interrupted anywhere, and what versions before this one left of theirs. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Migration, Warnings } from "../../../src/core/mod.ts";
import { openRecovered, type Store, StoreError } from "../../../src/store/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { crashing } from "../../support/fakes/crash.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";

const NOW = "2026-03-05T08:30:00.000Z";
const MOVED = "clockblock.db.corrupt-20260305T083000Z-1";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};

/** What lies in the folder of a broken database, and what a repair makes of it. */
interface Broken {
  make: (dir: string) => void;
  texts: readonly string[];
  warns: RegExp;
}

const broken: Readonly<Record<string, Broken>> = {
  "with a backup": {
    make(dir) {
      makeBackup(dir, "2026-03-03", ["monday", "tuesday"]);
      makeDamaged(dir);
    },
    texts: ["monday", "tuesday"],
    warns: /^The database was damaged \(.+\); the backup of 2026-03-03T.+ was restored/,
  },
  "without a backup": {
    make: makeDamaged,
    texts: [],
    warns: /^The database was damaged \(.+\); there was no good backup/,
  },
  "that was deleted while it was open": {
    make(dir) {
      makeBackup(dir, "2026-03-03", ["monday"]);
      Deno.writeTextFileSync(
        `${dir}/clockblock.db.repair`,
        JSON.stringify({ step: "displaced", finding: "The database was deleted" }),
      );
    },
    texts: ["monday"],
    warns: /^The database was deleted; the backup of 2026-03-03T.+ was restored/,
  },
};

for (const [what, { make, texts, warns }] of Object.entries(broken)) {
  Deno.test(`openStore continues the repair of a database ${what} after a crash at any file operation`, () => {
    for (let operation = 1, crashed = true; crashed; operation++) {
      using dir = tempDir();
      const path = `${dir.path}/clockblock.db`;
      make(dir.path);
      const damaged = filesOf(dir.path);
      crashed = crashing(operation, () => openStore(path, optionsAt(NOW)).close());

      const at = `operation ${operation}`;
      const warnings = new Warnings();
      const store = openStore(path, { ...optionsAt(NOW), warnings });
      assert.deepEqual(textsOf(store), texts, at);
      store.close();
      assert.equal(warnings.list().length, 1, at);
      assert.match(warnings.list()[0]!.message, warns, at);
      const after = filesOf(dir.path);
      for (const suffix of ["", "-wal"]) {
        assert.equal(after.get(MOVED + suffix), damaged.get(`clockblock.db${suffix}`), at + suffix);
      }
      const left = [...after.keys()].filter((name) => !name.startsWith(MOVED));
      assert.deepEqual(left, ["clockblock.db"], at);
    }
  });
}

Deno.test("openStore leaves a database as it is that lies where a backup was about to be restored", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["put there by hand"]);
  makeDatabase(`${path}.restoring`, ["the backup"]);
  const store = openStore(path, optionsAt(NOW));
  assert.deepEqual(textsOf(store), ["put there by hand"]);
  store.close();
  assert.deepEqual([...filesOf(dir.path).keys()], ["clockblock.db"]);
});

Deno.test("openStore warns that the log of a killed agent is gone", () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(path, ["monday"]);
  Deno.writeTextFileSync(`${path}.holder`, "{}");
  const warnings = new Warnings();
  openStore(path, { ...optionsAt(NOW), warnings }).close();
  assert.match(warnings.list()[0]?.message ?? "", /its write-ahead log is gone: what was recorded/);
});

Deno.test("openStore brings the restored backup to the disk before it takes the database's place", () => {
  using dir = tempDir();
  broken["with a backup"]!.make(dir.path);
  const { syncSync } = Deno.FsFile.prototype;
  const { renameSync } = Deno;
  const done: string[] = [];
  Deno.FsFile.prototype.syncSync = function () {
    done.push("sync");
    syncSync.call(this);
  };
  Deno.renameSync = (from, to) => {
    done.push(String(to).slice(dir.path.length + 1));
    renameSync(from, to);
  };
  try {
    openStore(`${dir.path}/clockblock.db`, optionsAt(NOW)).close();
  } finally {
    Deno.FsFile.prototype.syncSync = syncSync;
    Deno.renameSync = renameSync;
  }
  assert.deepEqual(done.slice(0, 2), ["sync", "clockblock.db.repair"]);
  assert.deepEqual(done.slice(2, 4), ["sync", "clockblock.db.restoring"]);
});

const notesOf020: Readonly<Record<string, { make: (path: string) => void; warns: RegExp | null }>> =
  {
    "between the note and the first move": {
      make(path) {
        makeBackup(dirOf(path), "2026-03-03", ["monday"]);
        Deno.writeTextFileSync(path, "Dear diary, ".repeat(1_000));
        Deno.copyFileSync(`${dirOf(path)}/backups/clockblock-2026-03-03.db`, `${path}.restoring`);
        Deno.writeTextFileSync(`${path}.repair`, JSON.stringify(REPAIR_OF_020(path)));
      },
      warns: /the backup of 2026-03-03T/,
    },
    "between two moves": {
      make(path) {
        makeDatabase(`${path}.restoring`, ["monday"]);
        Deno.writeTextFileSync(`${dirOf(path)}/${MOVED}`, "Dear diary");
        Deno.writeTextFileSync(`${path}-wal`, "the log of the damaged one");
        Deno.writeTextFileSync(`${path}.repair`, JSON.stringify(REPAIR_OF_020(path)));
      },
      warns: /the backup of 2026-03-03T.+ kept as .+corrupt-20260305T083000Z-1\.$/,
    },
    "after the last move": {
      make(path) {
        makeDatabase(path, ["monday"]);
        Deno.writeTextFileSync(`${path}.repair`, JSON.stringify(REPAIR_OF_020(path)));
        Deno.writeTextFileSync(`${path}.suspect`, "Tree 2 page 17: error code 11");
      },
      warns: /the backup of 2026-03-03T/,
    },
    "while the note was written": {
      make(path) {
        makeDatabase(path, ["monday"]);
        Deno.writeTextFileSync(`${path}.repair`, '{"damage":"the fi');
      },
      warns: null,
    },
    "after its file was replaced": {
      make(path) {
        makeDatabase(path, ["monday"]);
        Deno.writeTextFileSync(`${path}.displaced`, "The database was replaced; it is kept as x");
      },
      warns: /^The database was replaced; it is kept as x: what was recorded last/,
    },
    "after a suspicion that is not true any more": {
      make(path) {
        makeDatabase(path, ["monday"]);
        Deno.writeTextFileSync(`${path}.suspect`, "Tree 2 page 17: error code 11");
      },
      warns: null,
    },
  };

for (const [when, { make, warns }] of Object.entries(notesOf020)) {
  Deno.test(`openStore continues what version 0.2.0 left when it ended ${when}`, () => {
    using dir = tempDir();
    const path = `${dir.path}/clockblock.db`;
    make(path);
    const warnings = new Warnings();
    const store = openStore(path, { ...optionsAt(NOW), warnings });
    assert.deepEqual(textsOf(store), ["monday"]);
    store.close();
    const messages = warnings.list().map(({ message }) => message);
    assert.equal(messages.length, warns ? 1 : 0, messages.join());
    if (warns) assert.match(messages[0]!, warns);
    const left = [...filesOf(dir.path).keys()].filter((name) => !name.includes(".corrupt-"));
    assert.deepEqual(left, ["clockblock.db"]);
  });
}

Deno.test("openRecovered salvages what 0.2.0 had not salvaged yet, and skips numbers then", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeDatabase(`${dir.path}/${MOVED}`, ["monday", "tuesday"]);
  const before = openStore(path, optionsAt(NOW));
  before.setMeta("repair", JSON.stringify(REPAIR_OF_020(path)));
  before.close();
  const calls: string[] = [];
  const afterRestore = {
    recompute: (store: Store) => Promise.resolve(void calls.push(textsOf(store).join("+"))),
    skipNumbers: () => void calls.push("skipped"),
  };
  const warnings = new Warnings();
  for (let start = 0; start < 2; start++) {
    const options = { ...optionsAt(NOW), warnings, afterRestore };
    await openRecovered(path, options, (store) => store.close());
    assert.deepEqual(calls, ["monday+tuesday", "skipped"]);
    assert.match(warnings.list()[0]!.message, /is missing but for 2 rows that could still be read/);
  }
});

Deno.test("openRecovered calls its user again when that meets damage which opening does not show", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  makeBackup(dir.path, "2026-03-03", ["monday"]);
  makeDatabase(path, Array.from({ length: 2_000 }, (_, n) => `note ${n}`.padEnd(100)));
  using file = Deno.openSync(path, { write: true });
  file.seekSync(-3 * 4096, Deno.SeekMode.End);
  file.writeSync(new Uint8Array(4096).fill(0x5a));
  let calls = 0;
  const first = await openRecovered(path, optionsAt(NOW), (store) => {
    calls++;
    try {
      return store.db.prepare("SELECT max(n) AS n, min(text) AS text FROM notes").get()!.text;
    } finally {
      if (calls === 2) store.close();
    }
  });
  assert.deepEqual([calls, first], [2, "monday"]);
});

Deno.test("openRecovered fails when its user does, and leaves nothing open", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  for (const error of [new TypeError("not ours"), new StoreError("newer", "too new")]) {
    let calls = 0;
    const opening = openRecovered(path, optionsAt(NOW), () => {
      calls++;
      throw error;
    });
    await assert.rejects(opening, error);
    assert.equal(calls, 1);
    assert.deepEqual([...filesOf(dir.path).keys()], ["clockblock.db"]);
  }
});

/** As 0.2.0 noted a repair, without a step. */
function REPAIR_OF_020(path: string): Readonly<Record<string, unknown>> {
  return {
    damage: "the file is not a database",
    movedTo: `${dirOf(path)}/${MOVED}`,
    restoredFrom: "2026-03-03T00:00:00.000Z",
    at: NOW,
    unfinished: true,
  };
}

function optionsAt(time: string) {
  return { migrations: [notes], clock: new FakeClock(time) };
}

function textsOf(store: Store): unknown[] {
  return store.db.prepare("SELECT text FROM notes ORDER BY n").all().map(({ text }) => text);
}

/** A database that is none any more, and its log. */
function makeDamaged(dir: string): void {
  Deno.writeTextFileSync(`${dir}/clockblock.db`, "Dear diary, ".repeat(1_000));
  Deno.writeTextFileSync(`${dir}/clockblock.db-wal`, "the log of the damaged one");
}

function makeDatabase(path: string, texts: readonly string[]): void {
  const store = openStore(path, optionsAt("2026-03-01T00:00:00.000Z"));
  const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
  store.db.exec("BEGIN");
  for (const text of texts) insert.run(text);
  store.db.exec("COMMIT");
  store.close();
}

/** A backup as the agent makes it: one file, without a log. */
function makeBackup(dir: string, day: string, texts: readonly string[]): void {
  Deno.mkdirSync(`${dir}/backups`, { recursive: true });
  const path = `${dir}/backups/clockblock-${day}.db`;
  makeDatabase(path, texts);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=DELETE");
  db.close();
  const made = new Date(`${day}T00:00:00Z`);
  Deno.utimeSync(path, made, made);
}

/** Names and contents, without what Windows keeps of a lock. */
function filesOf(dir: string): Map<string, string> {
  return new Map(
    [...Deno.readDirSync(dir)].filter(({ isFile, name }) => isFile && !name.endsWith(".lock"))
      .map(({ name }) => name).sort()
      .map((name) => [name, Deno.readFileSync(`${dir}/${name}`).toHex()]),
  );
}

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
