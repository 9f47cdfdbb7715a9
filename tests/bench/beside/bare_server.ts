/**
 * The raw limit for the routes that pages poll: a bare handler that reads one row, from a file with a write-ahead log
 * as the agent's. Takes the file's path, prints its port, ends with its stdin.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { print } from "../print.ts";

const [path] = Deno.args;
const db = new DatabaseSync(path!);
db.exec("PRAGMA journal_mode = WAL");
db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER)");
db.exec("INSERT INTO t VALUES (1, '2026-03-02T12:00:00.000Z', 'Minecraft.exe', 1)");
const row = db.prepare("SELECT * FROM t WHERE id = ?");
const headers = { "content-type": "application/json" };

const server = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => print(String(port)),
  },
  () => new Response(JSON.stringify(row.get(1)), { headers }),
);
for await (const _ of Deno.stdin.readable);
await server.shutdown();
