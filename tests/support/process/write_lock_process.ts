/**
 * Holds a database's write lock until its standard input ends: `write_lock_process.ts <path>`. Prints a line once it
 * has it.
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const [path] = Deno.args;
if (path === undefined) throw new TypeError("Cannot hold a lock: no path given");
using db = new DatabaseSync(path, { timeout: 5_000 });
db.exec("BEGIN IMMEDIATE");
Deno.stdout.writeSync(new TextEncoder().encode("held\n"));
for await (const _ of Deno.stdin.readable);
db.exec("ROLLBACK");
