/**
 * The least that an agent costs: a bare program with a server, an open database and a `fetch` behind it, that runs a
 * command every 5 s and stores a row. Prints its port; ends with its stdin. Arguments: the database to make, the
 * address to fetch, the command.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { print } from "../print.ts";

const POLL_MS = 5_000;

const [path = "", cloud = "", tool = "", ...args] = Deno.args;
const db = new DatabaseSync(path);
db.exec(
  `PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
   CREATE TABLE looks (seq INTEGER PRIMARY KEY, timestamp_utc TEXT, processes INTEGER)`,
);
const insert = db.prepare("INSERT INTO looks (timestamp_utc, processes) VALUES (?, ?)");
await (await fetch(cloud)).body?.cancel();

const poll = setInterval(async () => {
  const { stdout } = await new Deno.Command(tool, { args, stderr: "null" }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  insert.run(new Date().toISOString(), lines.length);
}, POLL_MS);
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => print(String(port)),
}, () => new Response("bare"));
for await (const _ of Deno.stdin.readable);
clearInterval(poll);
await server.shutdown();
db.close();
