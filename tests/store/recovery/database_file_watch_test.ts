import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Migration, Warnings } from "../../../src/core/mod.ts";
import {
  backupTo,
  DatabaseFileWatch,
  type Displacements,
  type Store,
} from "../../../src/store/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};

/** On Windows a file that is open can be neither deleted nor replaced. */
const ignore = Deno.build.os === "windows";

/** A store whose agent looks whether its file is still there, and begins again when it is not. */
class Life implements Disposable {
  readonly #dir = tempDir();
  readonly folder = this.#dir.path;
  readonly path = `${this.folder}/clockblock.db`;
  readonly clock = new FakeClock();
  readonly warnings = new Warnings();
  readonly #displacements: Displacements = { lastMs: -Infinity };
  store: Store = this.#open();

  async write(...texts: string[]): Promise<void> {
    const insert = this.store.db.prepare("INSERT INTO notes (text) VALUES (?)");
    await this.store.write(() => texts.forEach((text) => insert.run(text)));
  }

  texts(db: Pick<DatabaseSync, "prepare"> = this.store.db): unknown[] {
    assert.equal(db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
    return db.prepare("SELECT text FROM notes ORDER BY n").all().map(({ text }) => text);
  }

  /** Looks for some seconds; when the agent has to begin again, it does. */
  async look(): Promise<{ begunAgain: boolean; unsound: string | undefined }> {
    const end = new AbortController();
    const watch = this.#watch();
    let begunAgain = false;
    const onDisplaced = () => {
      begunAgain = true;
      end.abort();
    };
    const watching = watch.watch({ signal: end.signal, onDisplaced });
    await this.clock.advance(2_000);
    end.abort();
    await watching;
    const { unsound } = this.store;
    if (begunAgain) {
      await watch.leave();
      this.store.close();
      this.store = this.#open();
    }
    return { begunAgain, unsound };
  }

  async end(): Promise<void> {
    await this.#watch().leave();
    this.store.close();
  }

  begin(): void {
    this.store = this.#open();
  }

  /** What another database of ours has, as one file. */
  async other(...texts: string[]): Promise<string> {
    const path = `${this.folder}/other.db`;
    const store = openStore(path, { migrations: [notes], clock: this.clock });
    const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
    await store.write(() => texts.forEach((text) => insert.run(text)));
    store.close();
    return path;
  }

  names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  /** What deleted databases held. */
  kept(): unknown[][] {
    return this.names().filter((name) => name.includes(".deleted-")).map((name) => {
      const db = new DatabaseSync(`${this.folder}/${name}`);
      try {
        return this.texts(db);
      } finally {
        db.close();
      }
    });
  }

  [Symbol.dispose](): void {
    try {
      this.store.close();
    } catch { /* It is closed. */ }
    this.#dir[Symbol.dispose]();
  }

  #open(): Store {
    const { path, clock, warnings } = this;
    return openStore(path, { migrations: [notes], clock, warnings });
  }

  #watch(): DatabaseFileWatch {
    const { warnings, clock } = this;
    return new DatabaseFileWatch(this.store, {
      warnings,
      clock,
      displacements: this.#displacements,
    });
  }
}

Deno.test("DatabaseFileWatch sees nothing in what the agent and its log do", async () => {
  using life = new Life();
  for (let round = 0; round < 40; round++) {
    await life.write(...Array.from({ length: 50 }, () => "x".repeat(2_000)));
    const mode = ["PASSIVE", "RESTART", "TRUNCATE"][round % 3];
    life.store.db.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
    if (round % 5 === 0) await life.store.write(() => life.store.db.exec("DELETE FROM notes"));
    if (round % 7 === 0) await backupTo(life.store, `${life.path}.copy-${round}`);
    assert.deepEqual(await life.look(), { begunAgain: false, unsound: undefined });
  }
});

Deno.test({
  name:
    "DatabaseFileWatch keeps what a deleted database held, and the newest backup takes its place",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("monday");
    Deno.mkdirSync(`${life.folder}/backups`);
    await backupTo(life.store, `${life.folder}/backups/clockblock-2026-03-02.db`, life);
    await life.write("tuesday");
    for (const suffix of ["", "-wal", "-shm"]) Deno.removeSync(life.path + suffix);
    await life.write("wednesday");
    const { begunAgain, unsound } = await life.look();
    assert.equal(begunAgain, true);
    assert.match(unsound ?? "", /deleted or replaced/);
    assert.deepEqual(life.texts(), ["monday"]);
    assert.deepEqual(life.kept(), [["monday", "tuesday", "wednesday"]]);
    const [warning, ...more] = life.warnings.list();
    assert.equal(more.length, 0);
    assert.match(
      warning!.message,
      /^The database was deleted or replaced while the agent ran; what it held is kept as .+\.deleted-\d+T\d+Z-1; the backup of .+ was restored/,
    );
    assert.equal((await life.look()).begunAgain, false);
  },
});

Deno.test({
  name:
    "DatabaseFileWatch has the agent go on in the database that lies there, without the log of the other",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("mine");
    const other = await life.other("theirs");
    Deno.renameSync(other, life.path);
    await life.write("mine, too");
    assert.equal((await life.look()).begunAgain, true);
    assert.deepEqual(life.texts(), ["theirs"]);
    assert.deepEqual(life.kept(), [["mine", "mine, too"]]);
    assert.match(
      life.warnings.list()[0]!.message,
      /deleted or replaced .+ is kept as .+\.deleted-/,
    );
  },
});

Deno.test({
  name:
    "DatabaseFileWatch notices another database that was copied over the file, and leaves it as it is",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("mine");
    const other = await life.other("theirs");
    const bytes = Deno.readFileSync(other);
    Deno.writeFileSync(life.path, bytes);
    await life.write("mine, too");
    assert.equal((await life.look()).begunAgain, true);
    assert.deepEqual(life.texts(), ["theirs"]);
    assert.match(life.warnings.list()[0]!.message, /^Another file was copied over the database/);
    assert.ok(life.names().some((name) => /\.corrupt-.+-wal$/.test(name)), "the log is kept");
    assert.equal((await life.look()).begunAgain, false);
  },
});

Deno.test({
  name: "DatabaseFileWatch notices a backup and an older copy of the database itself",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("monday");
    await backupTo(life.store, `${life.path}.backup`, life);
    life.store.close();
    Deno.copyFileSync(life.path, `${life.path}.older`);
    life.begin();
    await life.write(...Array.from({ length: 9 }, () => "x".repeat(4_000)));
    life.store.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    assert.equal((await life.look()).begunAgain, false);
    for (const copy of ["older", "backup"]) {
      Deno.writeFileSync(life.path, Deno.readFileSync(`${life.path}.${copy}`));
      assert.equal((await life.look()).begunAgain, true, copy);
      assert.deepEqual(life.texts(), ["monday"]);
      await life.clock.advance(600_000);
    }
  },
});

Deno.test({
  name:
    "DatabaseFileWatch has the newest backup restored where what was copied over the file is no database",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("monday");
    Deno.mkdirSync(`${life.folder}/backups`);
    await backupTo(life.store, `${life.folder}/backups/clockblock-2026-03-02.db`, life);
    Deno.writeTextFileSync(life.path, "Dear diary, ".repeat(1_000));
    assert.equal((await life.look()).begunAgain, true);
    assert.deepEqual(life.texts(), ["monday"]);
    const aside = life.names().filter((name) => /\.corrupt-.+Z-\d+$/.test(name))
      .map((name) => Deno.readTextFileSync(`${life.folder}/${name}`));
    assert.deepEqual(aside, ["Dear diary, ".repeat(1_000)]);
    assert.equal(life.warnings.list().length, 1);
  },
});

Deno.test({
  name:
    "DatabaseFileWatch has the log that was deleted moved into the database, which loses nothing",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("monday");
    Deno.removeSync(`${life.path}-wal`);
    await life.write("tuesday");
    assert.equal((await life.look()).begunAgain, true);
    assert.deepEqual(life.texts(), ["monday", "tuesday"]);
  },
});

Deno.test({
  name:
    "DatabaseFileWatch lets the agent work that loses its database again and again, and says so",
  ignore,
  async fn() {
    using life = new Life();
    Deno.removeSync(life.path);
    assert.equal((await life.look()).begunAgain, true);
    Deno.removeSync(life.path);
    const { begunAgain, unsound } = await life.look();
    assert.equal(begunAgain, false);
    assert.match(unsound ?? "", /deleted/);
    assert.match(life.warnings.list().map(({ message }) => message).join(), /, again\./);
    await life.clock.advance(600_000);
    assert.equal((await life.look()).begunAgain, true);
  },
});

Deno.test({
  name: "DatabaseFileWatch keeps what it has when the agent ends before it was noticed",
  ignore,
  async fn() {
    using life = new Life();
    await life.write("monday");
    Deno.removeSync(life.path);
    await life.write("tuesday");
    await life.end();
    life.begin();
    assert.deepEqual(life.kept(), [["monday", "tuesday"]]);
    assert.match(life.warnings.list()[0]!.message, /no good backup, so a new database was created/);
  },
});
