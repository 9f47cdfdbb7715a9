/**
 * The raw limit for a drain: a loop that reads a batch of heartbeats, posts it as JSON and marks it, and does
 * nothing else. Prints one line of JSON. Arguments: database, endpoint.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { V8_FLAGS } from "../../../build/v8_flags.ts";
import { print } from "../print.ts";
import { processStats } from "../process_stats.ts";

/** As many as the agent sends at once. */
const BATCH = 500;

/** What a drain took. */
export interface Drain {
  seconds: number;
  /** Processor time of the process from its start. */
  cpuMs: number;
  /** What its memory was more at its peak than at rest. */
  addedMb: number;
}

/** Drains a database to an endpoint, in a process of its own whose engine is set up as the agent's is. */
export async function rawDrain(path: string, endpoint: string): Promise<Drain> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", V8_FLAGS, import.meta.filename!, path, endpoint],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)) as Drain;
}

if (import.meta.main) {
  const [path = "", endpoint = ""] = Deno.args;
  // The client is part of a program at rest.
  await (await fetch(endpoint)).body?.cancel();
  const { rssMb } = await processStats(Deno.pid);
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
  const seconds = (performance.now() - began) / 1_000;
  const { peakRssMb, cpuMs } = await processStats(Deno.pid);
  const result: Drain = { seconds, cpuMs, addedMb: peakRssMb - rssMb };
  print(JSON.stringify(result));
}
