import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Migration } from "../../src/core/mod.ts";
import { openStore } from "../../src/store/recovery/recovery.ts";
import { tempDir } from "../support/temp.ts";

const WRITER = fileURLToPath(new URL("../support/process/writer_process.ts", import.meta.url));
const ROUNDS = 6;

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, writer INTEGER NOT NULL)",
};

Deno.test("Store keeps every write it has acknowledged, however often it is killed in the middle of its commits", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const acknowledged = new Set<number>();
  let warned = false;
  for (let round = 0; round < ROUNDS; round++) {
    for (const n of await writeUntilKilled(path, { afterAcks: 200 + 350 * round })) {
      assert.ok(!acknowledged.has(n), `${n} was given twice`);
      acknowledged.add(n);
    }
    const store = openStore(path, { migrations: [notes] });
    const kept = new Set(store.db.prepare("SELECT n FROM notes").all().map(({ n }) => Number(n)));
    const lost = [...acknowledged].filter((n) => !kept.has(n));
    assert.deepEqual(lost, [], `round ${round}`);
    warned ||= store.meta("repair") !== undefined;
    assert.equal(store.db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
    store.close();
  }
  assert.equal(warned, false);
  assert.ok(acknowledged.size > 200 * ROUNDS);
});

/** Runs a process that writes as fast as it can; kills it once it has acknowledged enough. */
async function writeUntilKilled(
  path: string,
  { afterAcks }: { afterAcks: number },
): Promise<number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", WRITER, path],
    stdout: "piped",
  }).spawn();
  let text = "";
  let killed = false;
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (!killed && text.split("\n").length > afterAcks) {
      killed = true;
      child.kill("SIGKILL");
    }
  }
  await child.status;
  assert.ok(killed, "the writer ended by itself");
  // The last line may be cut; what was not told in full was not acknowledged.
  return text.split("\n").slice(0, -1).map(Number);
}
