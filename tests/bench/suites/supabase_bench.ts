/** Heartbeats into the real PostgREST on the real PostgreSQL, beside a loop that posts the same batches. @module */
import { DatabaseSync } from "node:sqlite";
import { startAgent } from "../../support/process/agent_process.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import { type Pair, pairedRow, type Suite } from "../row.ts";

const ROWS = 50_000;
/** As many as the agent sends at once. */
const BATCH = 500;
const LOOK_MS = 50;

export const supabaseBench: Suite = {
  name: "supabase",
  async run({ rounds, bundle }) {
    await using cloud = await Cloud.start({ durable: true });
    const pairs: Pair<number>[] = [];
    for (let round = 0; round < rounds; round++) {
      using dir = tempDir();
      const path = `${dir.path}/clockblock.db`;
      makeBacklog(path, { rows: ROWS });
      const rows = heartbeatsOf(path);
      await cloud.empty();
      const raw = await posted(cloud, rows);
      await cloud.empty();
      const ours = await drained(cloud, { dir: dir.path, bundle });
      pairs.push({ ours, raw });
    }
    return [
      pairedRow(pairs, (rowsPerSecond) => rowsPerSecond, {
        name: `heartbeats a second into PostgREST, ${ROWS.toLocaleString("en")} that wait`,
        unit: "/s",
        beside: "a loop that posts the same batches",
      }),
    ];
  },
};

type Heartbeat = Readonly<Record<string, unknown>>;

function heartbeatsOf(path: string): Heartbeat[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare(
    `SELECT id, device_id, timestamp_utc, is_playing = 1 AS is_playing, poll_interval_sec, process_name
     FROM heartbeats ORDER BY seq`,
  ).all().map((row) => ({ ...row, is_playing: row.is_playing === 1 }));
  db.close();
  return rows;
}

/** Rows a second of the loop. */
async function posted(cloud: Cloud, rows: readonly Heartbeat[]): Promise<number> {
  await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ($1, $2)", [
    rows[0]!.device_id,
    cloud.alice.id,
  ]);
  const headers = {
    apikey: cloud.key,
    authorization: `Bearer ${await cloud.token(cloud.alice)}`,
    "content-type": "application/json",
    prefer: "resolution=ignore-duplicates,return=minimal",
  };
  const url = `${cloud.url}/rest/v1/heartbeats?on_conflict=device_id,timestamp_utc,id`;
  const began = performance.now();
  for (let from = 0; from < rows.length; from += BATCH) {
    const body = JSON.stringify(rows.slice(from, from + BATCH));
    const answer = await fetch(url, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`Status ${answer.status}: ${await answer.text()}`);
    await answer.body?.cancel();
  }
  return rows.length / ((performance.now() - began) / 1_000);
}

/** Rows a second of the agent, from the first that arrives. */
async function drained(
  cloud: Cloud,
  { dir, bundle }: { dir: string; bundle: string },
): Promise<number> {
  const { url, key, alice: { email, password } } = cloud;
  const config = {
    poll_interval_sec: 60,
    supabase: { url, key, email, password, realtime: false },
  };
  await using agent = await startAgent({ dir, config, entry: bundle });
  const pushed = async (least: number): Promise<number> => {
    for (const began = performance.now();;) {
      const { lanes } = await (await fetch(`${agent.url}/sync/status`)).json() as {
        lanes: { stream: string; rows_pushed: number }[];
      };
      const rows = lanes.find(({ stream }) => stream === "playtime")!.rows_pushed;
      if (rows >= least) return rows;
      if (performance.now() - began > 120_000) throw new Error(`Only ${rows} rows in two minutes`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const first = await pushed(1);
  const began = performance.now();
  await pushed(ROWS);
  const seconds = (performance.now() - began) / 1_000;
  const [counted] = await cloud.sql<{ rows: number }>(
    "SELECT count(*)::int AS rows FROM heartbeats",
  );
  if (counted!.rows < ROWS) throw new Error(`The cloud has ${counted!.rows} of ${ROWS} rows`);
  return (ROWS - first) / seconds;
}
