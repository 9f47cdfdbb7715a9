/**
 * The raw limit for a drain: a loop that reads a batch of heartbeats, posts it as JSON and marks it, and does
 * nothing else. Prints how many seconds it took. Arguments: database, endpoint.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { print } from "./print.ts";

/** As many as the agent sends at once. */
const BATCH = 500;

/** Drains a database to an endpoint, in a process of its own. */
export async function rawDrain(path: string, endpoint: string): Promise<number> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", import.meta.filename!, path, endpoint],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const [path = "", endpoint = ""] = Deno.args;
  const began = performance.now();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
  const next = db.prepare(
    `SELECT seq, id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name
     FROM heartbeats INDEXED BY heartbeats_unsynced
     WHERE synced_at IS NULL AND rejected_at IS NULL ORDER BY seq LIMIT ${BATCH}`,
  );
  const mark = db.prepare("UPDATE heartbeats SET synced_at = ? WHERE seq BETWEEN ? AND ?");
  for (let rows = next.all(); rows.length > 0; rows = next.all()) {
    const body = JSON.stringify(rows.map(({ seq: _, ...row }) => row));
    const headers = { "content-type": "application/json" };
    const answer = await fetch(endpoint, { method: "POST", body, headers });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    await answer.body?.cancel();
    mark.run(new Date().toISOString(), rows[0]!.seq!, rows.at(-1)!.seq!);
  }
  db.close();
  print(String((performance.now() - began) / 1_000));
}
