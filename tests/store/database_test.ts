import assert from "node:assert/strict";
import { LIMIT } from "../../src/store/mod.ts";
import { tempStore } from "../support/temp.ts";

Deno.test("openConnection sets what the agent relies on", () => {
  using temp = tempStore();
  const { db } = temp.store;
  const settings = ["journal_mode", "auto_vacuum", "synchronous", "foreign_keys", "temp_store"];
  const values = settings.map((name) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const INCREMENTAL = 2, NORMAL = 1, MEMORY = 2;
  assert.deepEqual(values, ["wal", INCREMENTAL, NORMAL, 1, MEMORY]);
});

Deno.test("LIMIT leaves a statement prepared when it runs with another value", () => {
  using temp = tempStore();
  const { db } = temp.store;
  let prepared = 0;
  // SQLite asks only while it prepares. The runtime has what its types lack.
  const authorizing = db as unknown as { setAuthorizer(ask: () => number): void };
  authorizing.setAuthorizer(() => {
    prepared++;
    return 0;
  });
  const statement = db.prepare(`SELECT name FROM sqlite_master ORDER BY name ${LIMIT}`);
  assert.ok(prepared > 0);
  prepared = 0;
  assert.deepEqual([1, 2].map((limit) => statement.all(limit).length), [1, 2]);
  assert.equal(prepared, 0);
});
