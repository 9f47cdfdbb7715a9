import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Migration, type Stream, Warnings } from "../../src/core/mod.ts";
import { listBackups, maintain, type Store, storeErrorKind } from "../../src/store/mod.ts";
import { openStore } from "../../src/store/recovery/recovery.ts";
import { overwrite } from "../support/fakes/damage.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, text TEXT)",
};

Deno.test("maintain makes a backup a day, good ones, and keeps three", async () => {
  await using house = keepHouse();
  const { store, clock, path } = house;
  await clock.advance(MINUTE_MS);
  for (let day = 2; day <= 6; day++) {
    const made = `2026-03-0${day}`;
    await until(() => listBackups(path)[0]?.day === made, `the backup of ${made}`);
    await store.write(() => store.db.exec(`INSERT INTO notes (text) VALUES ('${made}')`));
    await until(() => clock.sleepers > 0, "the end of the housekeeping");
    await clock.advance(DAY_MS);
  }
  const backups = () => listBackups(path);
  await until(
    () => backups()[0]?.day === "2026-03-07" && backups().length === 3,
    "the last backup",
  );
  assert.deepEqual(listBackups(path).map(({ day }) => day), [
    "2026-03-07",
    "2026-03-06",
    "2026-03-05",
  ]);
  const backup = new DatabaseSync(listBackups(path)[2]!.path, { readOnly: true });
  const texts = backup.prepare("SELECT text FROM notes").all().map(({ text }) => text);
  backup.close();
  assert.deepEqual(texts, ["2026-03-02", "2026-03-03", "2026-03-04"]);
});

Deno.test("maintain keeps and restores the newest backups, though the clock was ahead once", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const clock = new FakeClock("2031-06-01T12:00:00.000Z");
  await using house = keepHouse({ path, clock });
  const { store } = house;
  await clock.advance(MINUTE_MS);
  const days = ["2031-06-01", "2026-03-02", "2026-03-03", "2019-12-31"];
  for (const [index, day] of days.entries()) {
    if (index > 0) {
      clock.set(`${day}T12:00:00.000Z`);
      await clock.advance(HOUR_MS);
    }
    await until(() => listBackups(path)[0]?.day === day, `the backup of ${day}`);
    await store.write(() => store.db.exec(`INSERT INTO notes (text) VALUES ('after ${day}')`));
    await until(() => clock.sleepers > 0, "the end of the housekeeping");
  }
  assert.deepEqual(listBackups(path).map(({ day }) => day), days.slice(1).reverse());
  // A day that was shown before has its backup.
  clock.set("2026-03-03T14:00:00.000Z");
  await clock.advance(HOUR_MS);
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  assert.equal(listBackups(path)[0]?.day, "2019-12-31");

  await house.stop();
  Deno.removeSync(path);
  const warnings = new Warnings({ clock });
  const restored = openStore(path, { migrations: [notes], clock, warnings });
  assert.equal(
    restored.db.prepare("SELECT max(text) AS last FROM notes").get()?.last,
    "after 2031-06-01",
  );
  assert.equal(restored.db.prepare("SELECT count(*) AS n FROM notes").get()?.n, 3);
  assert.match(warnings.list()[0]!.message, /the backup of 2019-12-31T13:00:00\.000Z was restored/);
  restored.close();
});

Deno.test("maintain makes a backup of every day's work, though each start shows the same day", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  for (let start = 1; start <= 9; start++) {
    // A clock without a battery.
    const clock = new FakeClock("2020-01-01T00:00:00.000Z");
    await using house = keepHouse({ path, clock });
    await clock.advance(MINUTE_MS);
    for (let hour = 0; hour < 6; hour++) {
      await until(() => clock.sleepers > 0, "the end of the housekeeping");
      await clock.advance(HOUR_MS);
    }
    await until(() => clock.sleepers > 0, "the end of the housekeeping");
    await house.stop();
  }
  const backups = listBackups(path);
  assert.deepEqual(backups.map(({ number }) => number), [3, 2, 1]);
  assert.ok(backups.every(({ day }) => day === "2020-01-01"));
});

Deno.test("maintain waits a minute, so that the start is not slowed down", async () => {
  await using house = keepHouse();
  await house.clock.advance(MINUTE_MS - 1);
  assert.throws(() => Deno.statSync(`${house.folder}/backups`), Deno.errors.NotFound);
});

Deno.test("maintain warns when a backup fails, and no longer once one succeeds", async () => {
  await using house = keepHouse();
  const { clock, warnings, folder, path } = house;
  Deno.writeTextFileSync(`${folder}/backups`, "where the folder should be");
  await clock.advance(MINUTE_MS);
  await until(() => warnings.list().length > 0, "the warning");
  assert.match(
    warnings.list()[0]!.message,
    /^Cannot make today's backup: .+ tried again every hour/,
  );
  Deno.removeSync(`${folder}/backups`);
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  await clock.advance(HOUR_MS);
  await until(() => warnings.list().length === 0, "the end of the warning");
  assert.equal(listBackups(path).length, 1);
});

Deno.test("maintain finds damage in the background; opening it again repairs it", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  const warnings = new Warnings({ clock });
  await using house = keepHouse({ path, clock, warnings });
  const { store } = house;
  await store.write(() => fill(store));
  await clock.advance(MINUTE_MS);
  await until(() => listBackups(path).length === 1, "the backup");
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  store.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  overwrite(path, Deno.statSync(path).size - 3 * 4096, new Uint8Array(4096).fill(0x5a));

  await clock.advance(DAY_MS);
  await until(() => house.damage !== undefined, "the damage to be found");
  assert.deepEqual(warnings.list().map(({ code }) => code), ["database-damaged"]);
  assert.match(
    warnings.list()[0]!.message,
    /^The database is damaged \([^*\n]+\) and is being repaired\.$/,
  );
  assert.deepEqual(listBackups(path).map(({ day }) => day), ["2026-03-02"]);
  await house.stop();

  const repaired = openStore(path, { migrations: [notes], clock, warnings });
  assert.equal(repaired.db.prepare("SELECT count(*) AS n FROM notes").get()?.n, 500);
  assert.deepEqual(warnings.list().map(({ code }) => code), ["database-restored"]);
  repaired.close();
});

Deno.test("maintain checks at once when an error makes the database look damaged", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const first = openStore(path, { migrations: [notes] });
  fill(first);
  first.close();
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  await using house = keepHouse({ path, clock });
  await clock.advance(MINUTE_MS);
  await until(() => listBackups(path).length === 1, "the backup");
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  const { store } = house;
  // On POSIX, opening and closing the file here drops SQLite's locks to it; no other process needs them.
  overwrite(path, Deno.statSync(path).size - 3 * 4096, new Uint8Array(4096).fill(0x5a));
  store.db.exec("PRAGMA shrink_memory");
  const shout = store.db.prepare("UPDATE notes SET text = upper(text)");
  await assert.rejects(
    store.write(() => shout.run()),
    (error) => storeErrorKind(error) === "corrupt",
  );
  await until(() => house.damage !== undefined, "the damage to be found");
});

Deno.test("maintain does not check again and again for an error that no check finds the reason of", async () => {
  await using house = keepHouse();
  const { clock, store } = house;
  await clock.advance(MINUTE_MS);
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  store.noticed(Object.assign(new Error("malformed"), { errcode: 11 }));
  await until(() => !store.suspected, "the check");
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  store.noticed(Object.assign(new Error("malformed"), { errcode: 11 }));
  await clock.advance(5 * MINUTE_MS);
  assert.equal(store.suspected, true);
  assert.equal(house.damage, undefined);
});

Deno.test("maintain deletes nothing for a day after the clock leapt ahead", async () => {
  let prunes = 0;
  const stream: Pick<Stream, "name" | "prune"> = {
    name: "playtime",
    prune() {
      prunes++;
      return { deleted: 0, more: false };
    },
  };
  await using house = keepHouse({ streams: [stream] });
  const { clock } = house;
  clock.set(clock.now() + 400 * DAY_MS);
  for (let hour = 0; hour < 24; hour++) {
    await clock.advance(HOUR_MS);
    await until(() => clock.sleepers > 0, "the end of the housekeeping");
  }
  assert.equal(prunes, 0);
  await clock.advance(2 * HOUR_MS);
  await until(() => prunes > 0, "retention");
});

Deno.test("maintain prunes hourly, in slices, and goes on when a stream fails", async () => {
  let left = 0;
  const calls: string[] = [];
  const broken: Pick<Stream, "name" | "prune"> = {
    name: "events",
    prune() {
      calls.push("events");
      throw new Error("no such table");
    },
  };
  const playtime: Pick<Stream, "name" | "prune"> = {
    name: "playtime",
    prune(now, budget) {
      calls.push(now);
      assert.equal(budget.left(), true);
      left--;
      return { deleted: 1, more: left > 0 };
    },
  };
  await using house = keepHouse({ streams: [broken, playtime, { name: "records" }] });
  const { clock } = house;
  left = 3;
  await clock.advance(MINUTE_MS);
  await until(() => clock.sleepers > 0, "the end of the housekeeping");
  const at = "2026-03-02T12:01:00.000Z";
  assert.deepEqual(calls, ["events", at, at, at]);
  left = 1;
  await clock.advance(HOUR_MS);
  await until(() => calls.length === 6, "the next pruning");
});

Deno.test("maintain gives the disk back what pruning freed", async () => {
  let prunes = 0;
  await using house = keepHouse({
    streams: [{
      name: "playtime",
      prune() {
        prunes++;
        house.store.db.exec("DELETE FROM notes");
        return { deleted: 60_000, more: false };
      },
    }],
  });
  const { store, clock } = house;
  await store.write(() => fill(store, 60_000));
  const pages = () => Number(store.db.prepare("PRAGMA page_count").get()?.page_count);
  const before = pages();
  await clock.advance(MINUTE_MS);
  assert.ok(before > 1100, `there were only ${before} pages`);
  await until(() => prunes === 1 && pages() <= 1010, "the disk to be given back");
  assert.equal(store.db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
});

interface House extends AsyncDisposable {
  store: Store;
  path: string;
  folder: string;
  clock: FakeClock;
  warnings: Warnings;
  damage: string | undefined;
  stop(): Promise<void>;
}

interface HouseOptions {
  path?: string;
  clock?: FakeClock;
  warnings?: Warnings;
  streams?: readonly Pick<Stream, "name" | "prune">[];
}

/** A store that is maintained until the end of the test. */
function keepHouse(options: HouseOptions = {}): House {
  const dir = tempDir();
  const { path = `${dir.path}/clockblock.db`, clock = new FakeClock(), streams = [] } = options;
  const { warnings = new Warnings({ clock }) } = options;
  const stopped = new AbortController();
  const store = openStore(path, { migrations: [notes], clock, warnings });
  const house: House = {
    store,
    path,
    folder: dir.path,
    clock,
    warnings,
    damage: undefined,
    async stop() {
      stopped.abort();
      await done;
      store.close();
    },
    async [Symbol.asyncDispose]() {
      if (!stopped.signal.aborted) await house.stop();
      dir[Symbol.dispose]();
    },
  };
  const { signal } = stopped;
  const done = maintain(store, {
    signal,
    clock,
    warnings,
    streams,
    onDamaged: (damage) => house.damage = damage,
  });
  return house;
}

function fill(store: Store, rows = 500): void {
  const insert = store.db.prepare("INSERT INTO notes (text) VALUES (?)");
  for (let i = 0; i < rows; i++) insert.run(`note ${i}`.padEnd(100));
}
