/**
 * Writes numbers as fast as it can, some durable, some undone, and prints each once it is committed, until it
 * is killed: `writer_process.ts <path>`.
 * @module
 */
import type { Migration } from "../../../src/core/mod.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";

const notes: Migration = {
  name: "test-1-notes",
  sql: "CREATE TABLE notes (n INTEGER PRIMARY KEY, writer INTEGER NOT NULL)",
};

const WRITERS = 32;

const [path] = Deno.args;
if (path === undefined) throw new TypeError("Cannot write: no path given");
const store = openStore(path, { migrations: [notes] });
const insert = store.db.prepare("INSERT INTO notes (writer) VALUES (?) RETURNING n");
const encoder = new TextEncoder();

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeOn(writer)));

async function writeOn(writer: number): Promise<never> {
  for (let turn = 0;; turn++) {
    const undone = turn % 5 === 4;
    try {
      const n = await store.write(() => {
        const row = insert.get(writer);
        if (undone) throw new Error("changed my mind");
        return Number(row?.n);
      }, { durable: writer % 2 === 0 });
      // Told after the commit, which is what an acknowledgement is.
      Deno.stdout.writeSync(encoder.encode(`${n}\n`));
    } catch (error) {
      if (!undone) throw error;
    }
  }
}
