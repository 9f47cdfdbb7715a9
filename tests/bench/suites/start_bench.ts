/** From the start of the process to the first `/status`, with a million rows waiting. @module */
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import { type Pair, pairedRow, type Suite } from "../row.ts";

const ROWS = 1_000_000;

export const startBench: Suite = {
  name: "start",
  async run({ rounds, bundle }) {
    using empty = tempDir();
    using full = tempDir();
    makeBacklog(`${empty.path}/clockblock.db`, { rows: 1 });
    makeBacklog(`${full.path}/clockblock.db`, { rows: ROWS });
    const pairs: Pair<number>[] = [];
    for (let round = 0; round < rounds; round++) {
      pairs.push({
        raw: await firstStatusMs(empty.path, bundle),
        ours: await firstStatusMs(full.path, bundle),
      });
    }
    return [pairedRow(pairs, (ms) => ms, {
      name: "start with 1 000 000 rows waiting, to the first /status",
      unit: "ms",
      beside: "with one row",
      target: "≤ 400 ms",
      meets: (ms) => ms <= 400,
    })];
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
