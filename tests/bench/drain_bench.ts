/** A month without a network, drained to an endpoint on this machine, with `/status` asked meanwhile. @module */
import { startAgent } from "../support/agent_process.ts";
import { tempDir } from "../support/temp.ts";
import { makeBacklog } from "./backlog.ts";
import { startHelper } from "./helper_process.ts";
import { load } from "./load.ts";
import { processStats } from "./process_stats.ts";
import { rawDrain } from "./raw_drain.ts";
import type { Suite } from "./row.ts";

/** 30 days at 5 s. */
const ROWS = 518_400;
const LOOK_MS = 50;

export const drainBench: Suite = {
  name: "drain",
  async run({ bundle }) {
    using dir = tempDir();
    await using sink = await startHelper("sink_server.ts");
    makeBacklog(`${dir.path}/clockblock.db`, { rows: ROWS });

    const copy = `${dir.path}/raw.db`;
    await Deno.copyFile(`${dir.path}/clockblock.db`, copy);
    const rawSec = await rawDrain(copy, `${sink.url}/ingest`);
    await Deno.remove(copy);
    await sink.ask("forget");

    // First at rest, to know what memory a drain adds.
    const resting = await startAgent({
      dir: dir.path,
      config: { poll_interval_sec: 60 },
      entry: bundle,
    });
    await load(`${resting.url}/status`, { connections: 2, seconds: 2, perConnection: 50 });
    const { rssMb: restingMb } = await processStats(resting.pid);
    await resting.stop();

    const began = performance.now();
    const agent = await startAgent({
      dir: dir.path,
      config: { poll_interval_sec: 60, endpoint_url: `${sink.url}/ingest` },
      entry: bundle,
    });
    const status = load(`${agent.url}/status`, { connections: 2, seconds: 4, perConnection: 50 });
    let rows = 0;
    while (rows < ROWS) {
      const answer = await (await fetch(`${agent.url}/sync/status`)).json() as {
        lanes: { stream: string; rows_pushed: number }[];
      };
      rows = answer.lanes.find(({ stream }) => stream === "playtime")!.rows_pushed;
      if (performance.now() - began > 120_000) throw new Error(`Only ${rows} rows in two minutes`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const tookSec = (performance.now() - began) / 1_000;
    const { peakRssMb, cpuMs } = await processStats(agent.pid);
    const { p99Ms, failed } = await status;
    if (failed > 0) throw new Error(`${failed} answers of /status were no 200`);
    const counted = JSON.parse(await sink.ask("count")) as { rows: number };
    await agent.stop();
    if (counted.rows < ROWS) throw new Error(`The cloud has ${counted.rows} of ${ROWS} rows`);
    const addedMb = Math.max(0, peakRssMb - restingMb);
    return [
      {
        name: "start and drain of 518 400 heartbeats",
        value: tookSec,
        unit: "s",
        baseline: { name: "a loop that reads, posts and marks batches", value: rawSec },
        target: "≤ 5 s",
        met: tookSec <= 5,
      },
      {
        name: "processor time of it",
        value: cpuMs / 1_000,
        unit: "s",
        target: "for information",
        met: true,
      },
      {
        name: "memory that the drain adds, at its peak",
        value: addedMb,
        unit: "MB",
        target: "≤ 40",
        met: addedMb <= 40,
      },
      {
        name: "GET /status meanwhile, p99",
        value: p99Ms,
        unit: "ms",
        target: "≤ 15",
        met: p99Ms <= 15,
      },
    ];
  },
};
