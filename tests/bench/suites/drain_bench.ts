/** A month without a network, drained to an endpoint on this machine, with `/status` asked meanwhile. @module */
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import { type HelperProcess, startHelper } from "../beside/helper_process.ts";
import { type Load, load } from "../load/load.ts";
import { processStats } from "../process_stats.ts";
import { type Drain, rawDrain } from "../beside/raw_drain.ts";
import { type Pair, pairedRow, type Suite } from "../row.ts";

/** 30 days at 5 s. */
const ROWS = 518_400;
const LOOK_MS = 50;
const CALM_SEC = 3;
const BUSY_SEC = 4;

interface Round {
  drain: Pair<Drain>;
  /** `/status` during the drain and of an agent that has nothing to send. */
  statusP99Ms: Pair<number>;
}

interface Options {
  bundle: string;
  /** A database with the backlog, left as it is. */
  backlog: string;
  sink: HelperProcess;
}

export const drainBench: Suite = {
  name: "drain",
  async run({ rounds, bundle }) {
    using dir = tempDir();
    const backlog = `${dir.path}/backlog.db`;
    makeBacklog(backlog, { rows: ROWS });
    await using sink = await startHelper("sink_server.ts");
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round++) {
      measured.push(await drained({ bundle, backlog, sink }));
    }
    const drains = measured.map(({ drain }) => drain);
    return [
      pairedRow(drains, ({ seconds }) => seconds, {
        name: "start and drain of 518 400 heartbeats",
        unit: "s",
        beside: "a loop that reads, posts and marks batches",
        target: "≤ 5 s",
        meets: (seconds) => seconds <= 5,
      }),
      pairedRow(drains, ({ cpuMs }) => cpuMs / 1_000, {
        name: "processor time of it",
        unit: "s",
        beside: "of that loop",
      }),
      pairedRow(drains, ({ addedMb }) => addedMb, {
        name: "memory that the drain adds, at its peak",
        unit: "MB",
        beside: "to that loop, with the same settings of the engine",
        target: "≤ 40",
        meets: (megabytes) => megabytes <= 40,
      }),
      pairedRow(measured.map(({ statusP99Ms }) => statusP99Ms), (ms) => ms, {
        name: "GET /status meanwhile, p99",
        unit: "ms",
        beside: "with nothing to drain",
        target: "≤ 15",
        meets: (ms) => ms <= 15,
      }),
    ];
  },
};

async function drained({ bundle, backlog, sink }: Options): Promise<Round> {
  using dir = tempDir();
  const copy = `${dir.path}/raw.db`;
  await Deno.copyFile(backlog, copy);
  const raw = await rawDrain(copy, `${sink.url}/ingest`);
  await Deno.remove(copy);
  await sink.ask("forget");

  // First at rest, to know what the drain adds.
  await Deno.copyFile(backlog, `${dir.path}/clockblock.db`);
  const config = { poll_interval_sec: 60 };
  const resting = await startAgent({ dir: dir.path, config, entry: bundle });
  const calm = await askStatus(resting.url, CALM_SEC);
  const { rssMb: restingMb } = await processStats(resting.pid);
  await resting.stop();

  const began = performance.now();
  const agent = await startAgent({
    dir: dir.path,
    config: { ...config, endpoint_url: `${sink.url}/ingest` },
    entry: bundle,
  });
  const asked = askStatus(agent.url, BUSY_SEC);
  let rows = 0;
  while (rows < ROWS) {
    const answer = await (await fetch(`${agent.url}/sync/status`)).json() as {
      lanes: { stream: string; rows_pushed: number }[];
    };
    rows = answer.lanes.find(({ stream }) => stream === "playtime")!.rows_pushed;
    if (performance.now() - began > 120_000) throw new Error(`Only ${rows} rows in two minutes`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const seconds = (performance.now() - began) / 1_000;
  const { peakRssMb, cpuMs } = await processStats(agent.pid);
  const busy = await asked;
  const counted = JSON.parse(await sink.ask("count")) as { rows: number };
  await agent.stop();
  if (counted.rows < ROWS) throw new Error(`The cloud has ${counted.rows} of ${ROWS} rows`);
  const ours = { seconds, cpuMs, addedMb: Math.max(0, peakRssMb - restingMb) };
  return { drain: { ours, raw }, statusP99Ms: { ours: busy.p99Ms, raw: calm.p99Ms } };
}

async function askStatus(url: string, seconds: number): Promise<Load> {
  const asked = await load(`${url}/status`, { connections: 2, seconds, perConnection: 50 });
  if (asked.failed > 0) throw new Error(`${asked.failed} answers of /status were no 200`);
  return asked;
}
