import assert from "node:assert/strict";
import { type Migration, Warnings } from "../../src/core/mod.ts";
import { openStore, Presence, type Store } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};

/** On Windows a file that is open can be neither deleted nor replaced. */
const ignore = Deno.build.os === "windows";

/** A store of some megabytes whose agent looks whether it is still there. */
class Life implements Disposable {
  readonly #dir = tempDir();
  readonly path = `${this.#dir.path}/clockblock.db`;
  readonly clock = new FakeClock();
  readonly store: Store = openStore(this.path, { migrations: [notes], clock: this.clock });
  readonly presence = new Presence(this.store, { warnings: new Warnings(), clock: this.clock });
  /** How many notes were acknowledged. */
  acknowledged = 0;

  async write(count: number): Promise<void> {
    const insert = this.store.db.prepare("INSERT INTO notes (text) VALUES (?)");
    await this.store.write(() => {
      for (let n = 0; n < count; n++) insert.run("x".repeat(2_000));
    });
    this.acknowledged += count;
  }

  delete(): void {
    for (const suffix of ["", "-wal", "-shm"]) Deno.removeSync(this.path + suffix);
  }

  /** Looks until the loss is noticed and a copy lies there; meanwhile `work` is done. */
  async untilNoticed(work: () => void | Promise<void>): Promise<void> {
    const end = new AbortController();
    let noticed = false;
    const onDisplaced = () => {
      noticed = true;
      end.abort();
    };
    const watching = this.presence.watch({ signal: end.signal, onDisplaced });
    await this.clock.advance(2_000);
    await until(async () => {
      await work();
      return noticed;
    }, "the loss to be noticed");
    await watching;
  }

  /** Ends as an agent does. */
  async end(): Promise<void> {
    await this.presence.putBack();
    this.store.close();
  }

  /** Ends as an agent does that is killed: what lies in the folder now is what is left. */
  kill(): void {
    const left = this.names().map((name) => `${this.#dir.path}/${name}`)
      .map((file) => ({ file, bytes: Deno.readFileSync(file) }));
    this.store.close();
    for (const name of this.names()) Deno.removeSync(`${this.#dir.path}/${name}`);
    for (const { file, bytes } of left) Deno.writeFileSync(file, bytes);
  }

  /** How many notes the next agent finds, every one of them in its place. */
  found(): number {
    const warnings = new Warnings();
    const store = openStore(this.path, { migrations: [notes], clock: this.clock, warnings });
    try {
      assert.equal(store.db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
      const { found, last } = store.db.prepare(
        "SELECT count(*) AS found, max(n) AS last FROM notes",
      ).get()!;
      assert.equal(found, last ?? 0);
      for (const { message } of warnings.list()) assert.match(message, /put back whole/);
      return Number(found);
    } finally {
      store.close();
      assert.deepEqual(this.names(), ["clockblock.db"]);
    }
  }

  names(): string[] {
    return [...Deno.readDirSync(this.#dir.path)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    this.#dir[Symbol.dispose]();
  }
}

Deno.test({
  name: "Presence puts a deleted database back with all that was written meanwhile",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(5_000);
    life.delete();
    await life.untilNoticed(() => life.write(20));
    await life.write(300);
    await life.end();
    assert.equal(life.found(), life.acknowledged);
  },
});

Deno.test({
  name: "Presence puts a database back whose log was moved into it before, and is empty",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(500);
    life.store.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    life.delete();
    await life.untilNoticed(() => {});
    await life.end();
    assert.equal(life.found(), 500);
  },
});

Deno.test({
  name: "Presence copies a database again whose log began anew while it was copied",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(5_000);
    life.delete();
    let moved = 0;
    await life.untilNoticed(async () => {
      // As by another connection that was in the middle of it when the copy began.
      if (moved < 2) moved += Number(life.names().includes("clockblock.db.rescued.part"));
      if (moved === 1) life.store.db.prepare("PRAGMA wal_checkpoint(RESTART)").get();
      await life.write(20);
    });
    assert.equal(moved, 2);
    // And once more between the first copy and the last.
    life.store.db.prepare("PRAGMA wal_checkpoint(RESTART)").get();
    await life.write(700);
    await life.end();
    assert.equal(life.found(), life.acknowledged);
  },
});

Deno.test({
  name: "Presence leaves nothing behind of a database that was brought back in time",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(500);
    Deno.renameSync(life.path, `${life.path}.elsewhere`);
    await life.untilNoticed(() => {});
    Deno.renameSync(`${life.path}.elsewhere`, life.path);
    await life.end();
    assert.equal(life.found(), 500);
  },
});

Deno.test({
  name: "Presence that cannot copy gives back the room it took, and copies once it can",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(500);
    life.delete();
    Deno.mkdirSync(`${life.path}.rescued-wal.part/in-the-way`, { recursive: true });
    const end = new AbortController();
    const warnings = new Warnings();
    const presence = new Presence(life.store, { warnings, clock: life.clock });
    const watching = presence.watch({ signal: end.signal, onDisplaced: () => {} });
    await life.clock.advance(2_000);
    await until(() => warnings.list().length > 0, "the warning");
    assert.match(warnings.list()[0]!.message, /Nothing is lost .+ it cannot be put back/);
    assert.ok(!life.names().includes("clockblock.db.rescued.part"));
    end.abort();
    await watching;
    Deno.removeSync(`${life.path}.rescued-wal.part`, { recursive: true });
    await life.write(500);
    await presence.putBack();
    life.store.close();
    assert.equal(life.found(), 1_000);
  },
});

/** What an agent that is killed between two steps leaves, after its first copy of 2 000 notes. */
const steps: Readonly<Record<string, (path: string) => void>> = {
  "after the first copy": () => {},
  "while the last one was made": (path) =>
    Deno.writeTextFileSync(`${path}.rescued-wal.part`, "half a log"),
  "between the log and the database": (path) =>
    Deno.renameSync(`${path}.rescued-wal`, `${path}-wal`),
};

for (const [when, step] of Object.entries(steps)) {
  Deno.test({
    name: `openStore puts back what an agent had rescued that was killed ${when}`,
    ignore,
    async fn() {
      using life = new Life();
      await life.write(2_000);
      life.delete();
      await life.untilNoticed(() => {});
      life.kill();
      step(life.path);
      assert.equal(life.found(), 2_000);
    },
  });
}

Deno.test({
  name: "openStore takes nothing of a copy that was not complete",
  ignore,
  async fn() {
    using life = new Life();
    await life.write(100);
    await life.end();
    for (const name of [".part", "-wal", "-wal.part"]) {
      Deno.writeTextFileSync(`${life.path}.rescued${name}`, "half a copy");
    }
    assert.equal(life.found(), 100);
  },
});
