import assert from "node:assert/strict";
import type { Migration } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { tempDir } from "../support/temp.ts";

const first: Migration = { name: "test-1", sql: "CREATE TABLE one (n INTEGER)" };
const second: Migration = { name: "test-2", sql: "INSERT INTO one VALUES (2)" };

Deno.test("migrate applies each migration once, by its name, and remembers when", () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  new Store(path, { migrations: [first], clock }).close();
  clock.set("2026-03-03T12:00:00.000Z");
  // A new one may stand before those that were applied: names decide, not places.
  new Store(path, { migrations: [second, first], clock }).close();
  const store = new Store(path, { migrations: [first, second], clock });
  assert.equal(store.db.prepare("SELECT count(*) AS n FROM one").get()?.n, 1);
  const applied = store.db.prepare("SELECT name, applied_at FROM migrations ORDER BY rowid").all();
  assert.deepEqual(applied.map((row) => [row.name, String(row.applied_at).slice(0, 10)]), [
    ["store-1-meta", "2026-03-02"],
    ["test-1", "2026-03-02"],
    ["test-2", "2026-03-03"],
  ]);
  store.close();
});

Deno.test("migrate leaves nothing of a migration that fails, and everything before it", () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  const broken: Migration = {
    name: "test-2-broken",
    sql: "CREATE TABLE two (n INTEGER); INSERT INTO nowhere VALUES (1)",
  };
  assert.throws(
    () => new Store(path, { migrations: [first, broken] }),
    /no such table: nowhere/,
  );
  const store = new Store(path, { migrations: [first] });
  const tables = store.db.prepare("SELECT name FROM sqlite_master WHERE name IN ('one', 'two')");
  assert.deepEqual(tables.all().map(({ name }) => name), ["one"]);
  store.close();
});

Deno.test("migrate refuses a database with a migration that this version does not know", () => {
  using dir = tempDir();
  const path = `${dir.path}/a.db`;
  new Store(path, { migrations: [first, second] }).close();
  assert.throws(() => new Store(path, { migrations: [first] }), /later version \(test-2\)/);
});
