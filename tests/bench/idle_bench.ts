/** What an agent costs that looks for its game every 5 s, brings that to a cloud and is asked nothing. @module */
import { startAgent } from "../support/agent_process.ts";
import { startHelper } from "./helper_process.ts";
import { processStats } from "./process_stats.ts";
import type { Suite } from "./row.ts";

/** The start is not idle yet: its garbage is collected and, after a minute, the database is checked. */
const SETTLE_MS = 75_000;

export const idleBench: Suite = {
  name: "idle",
  async run({ idleSec, bundle }) {
    await using cloud = await startHelper("sink_server.ts");
    const endpoint_url = cloud.url;
    await using agent = await startAgent({
      config: {
        endpoint_url,
        events: { endpoint_url },
        attendance: { enabled: true, host: "127.0.0.1", port: 0, endpoint_url },
      },
      entry: bundle,
    });
    await wait(SETTLE_MS);
    const before = await processStats(agent.pid);
    await wait(idleSec * 1_000);
    const after = await processStats(agent.pid);
    const share = (after.cpuMs - before.cpuMs) / (idleSec * 10);
    return [
      {
        name: `idle for ${idleSec} s at a 5 s poll, every stream on: of one core`,
        value: share,
        unit: "%",
        target: "≤ 0.2",
        met: share <= 0.2,
      },
      {
        name: "memory then (RSS)",
        value: after.rssMb,
        unit: "MB",
        target: "≤ 60",
        met: after.rssMb <= 60,
      },
      {
        name: "of that its own, without the runtime's file",
        value: after.ownMb,
        unit: "MB",
        target: "for information",
        met: true,
      },
    ];
  },
};

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
