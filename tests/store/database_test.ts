import assert from "node:assert/strict";
import { tempStore } from "../support/temp.ts";

Deno.test("connect sets what the agent relies on", () => {
  using temp = tempStore();
  const { db } = temp.store;
  const settings = ["journal_mode", "auto_vacuum", "synchronous", "foreign_keys", "temp_store"];
  const values = settings.map((name) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const INCREMENTAL = 2, NORMAL = 1, MEMORY = 2;
  assert.deepEqual(values, ["wal", INCREMENTAL, NORMAL, 1, MEMORY]);
});
