/** `GET /status` beside a bare handler that reads one row. @module */
import { startAgent } from "../support/agent_process.ts";
import { startHelper } from "./helper_process.ts";
import { load } from "./load.ts";
import { median, type Suite } from "./row.ts";

const CONNECTIONS = 32;

export const statusBench: Suite = {
  name: "status",
  async run({ rounds, bundle }) {
    await using agent = await startAgent({ config: {}, entry: bundle });
    await using bare = await startHelper("bare_server.ts");
    const options = { connections: CONNECTIONS, seconds: 3 };
    const ratios: { ours: number; raw: number }[] = [];
    await load(`${agent.url}/status`, { ...options, seconds: 1 });
    await load(`${bare.url}/`, { ...options, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      const raw = await load(`${bare.url}/`, options);
      const ours = await load(`${agent.url}/status`, options);
      if (ours.failed > 0) throw new Error(`${ours.failed} answers of /status were no 200`);
      ratios.push({ ours: ours.rate, raw: raw.rate });
    }
    const value = median(ratios.map(({ ours }) => ours));
    const baseline = median(ratios.map(({ raw }) => raw));
    return [{
      name: `GET /status, ${CONNECTIONS} connections`,
      value,
      unit: "/s",
      baseline: { name: "bare handler, one row", value: baseline },
      target: "≥ 0.6 of bare",
      met: median(ratios.map(({ ours, raw }) => ours / raw)) >= 0.6,
    }];
  },
};
