import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cliFolder } from "../../support/process/cli.ts";

const config = { process_name: "no such game", poll_interval_sec: 1 };

function heartbeatsIn(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(db.prepare("SELECT count(*) AS n FROM heartbeats").get()!["n"]);
  } finally {
    db.close();
  }
}

Deno.test("backup copies the database while no agent runs, and while one does", async () => {
  using folder = cliFolder(config);
  await folder.cli("--once");
  const offline = await folder.cli("backup", "offline.db");
  assert.equal(offline.code, 0, offline.err);
  assert.match(offline.out, /offline\.db, \d+ kB, checked\n$/);
  assert.equal(heartbeatsIn(`${folder.path}/offline.db`), 1);

  await using _agent = await folder.start();
  const online = await folder.cli("backup", "online.db");
  assert.equal(online.code, 0, online.err);
  assert(heartbeatsIn(`${folder.path}/online.db`) >= 1);
  const partly = folder.files().filter((name) => name.includes(".part"));
  assert.deepEqual(partly, []);
});

Deno.test("backup overwrites nothing, and needs a folder that is there", async () => {
  using folder = cliFolder(config);
  await folder.cli("--once");
  const before = Deno.statSync(`${folder.path}/clockblock.db`).mtime;
  const itself = await folder.cli("backup", "clockblock.db");
  assert.equal(itself.code, 2);
  assert.match(itself.err, /^Cannot back up to ".*clockblock\.db": there is a file already\./);
  assert.deepEqual(Deno.statSync(`${folder.path}/clockblock.db`).mtime, before);
  const nowhere = await folder.cli("backup", "no/such/folder.db");
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.err, /there is no folder/);
});

Deno.test("backup wants to know where to", async () => {
  using folder = cliFolder(config);
  const { code, err } = await folder.cli("backup");
  assert.equal(code, 2);
  assert.match(err, /^Missing argument <file>\. See clockblock --help\n$/);
});
