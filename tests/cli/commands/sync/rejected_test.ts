import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cliFolder } from "../../../support/process/cli.ts";

Deno.test("rejected finds a row among more than fit on a page", async () => {
  using folder = cliFolder({ process_name: "no such game" });
  await folder.cli("--once");
  {
    using db = new DatabaseSync(`${folder.path}/clockblock.db`);
    db.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
       INSERT INTO sync_rejected
         (stream, table_name, row_id, payload, message, attempts, first_at, last_at)
       SELECT 'playtime', 'heartbeats', printf('r%04d', i), '{"id":"x"}', 'no', 1,
         '2026-03-02T12:00:00.000Z', '2026-03-02T12:00:00.000Z' FROM n`,
    );
  }
  const { code, out } = await folder.cli("rejected", "discard", "r0001", "r1250", "r2500");
  assert.deepEqual([code, out], [0, "3 rows given up\n"]);
  assert.equal((await folder.cli("rejected", "list")).out.trimEnd().split("\n").length, 2_497);
});
