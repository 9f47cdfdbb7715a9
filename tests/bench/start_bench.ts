/** From the start of the process to the first `/status`, with a million rows waiting. @module */
import { startAgent } from "../support/agent_process.ts";
import { tempDir } from "../support/temp.ts";
import { makeBacklog } from "./backlog.ts";
import { median, type Suite } from "./row.ts";

const ROWS = 1_000_000;

export const startBench: Suite = {
  name: "start",
  async run({ rounds, bundle }) {
    using empty = tempDir();
    using full = tempDir();
    makeBacklog(`${empty.path}/clockblock.db`, { rows: 1 });
    makeBacklog(`${full.path}/clockblock.db`, { rows: ROWS });
    const small: number[] = [];
    const large: number[] = [];
    for (let round = 0; round < rounds; round++) {
      small.push(await firstStatusMs(empty.path, bundle));
      large.push(await firstStatusMs(full.path, bundle));
    }
    return [{
      name: "start with 1 000 000 rows waiting, to the first /status",
      value: median(large),
      unit: "ms",
      baseline: { name: "with one row", value: median(small) },
      target: "≤ 400 ms",
      met: median(large) <= 400,
    }];
  },
};

async function firstStatusMs(dir: string, bundle: string): Promise<number> {
  const began = performance.now();
  const agent = await startAgent({ dir, config: {}, entry: bundle });
  await (await fetch(`${agent.url}/status`)).body?.cancel();
  const tookMs = performance.now() - began;
  await agent.stop();
  return tookMs;
}
