/** What an agent costs that looks for its game every 5 s, brings that to a cloud and is asked nothing. @module */
import { V8_FLAGS } from "../../../build/v8_flags.ts";
import { ps } from "../../../src/streams/playtime/processes/ps.ts";
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { type HelperProcess, startHelper } from "../beside/helper_process.ts";
import { type ProcessStats, processStats } from "../process_stats.ts";
import { type BenchRow, pairedRow, type Suite } from "../row.ts";

/** The start is not idle yet: its garbage is collected and, after a minute, the database is checked. */
const SETTLE_MS = 75_000;

/** One of the two processes at the end, and what it did meanwhile. */
interface Idle extends ProcessStats {
  /** Of one core. */
  percent: number;
}

export const idleBench: Suite = {
  name: "idle",
  async run({ idleSec, bundle }) {
    await using cloud = await startHelper("sink_server.ts");
    const endpoint_url = cloud.url;
    using dir = tempDir();
    await using bare = await startBare(dir.path, cloud.url);
    await using agent = await startAgent({
      config: {
        endpoint_url,
        events: { endpoint_url },
        attendance: { enabled: true, host: "127.0.0.1", port: 0, endpoint_url },
      },
      entry: bundle,
    });
    await wait(SETTLE_MS);
    const [ours, raw] = await Promise.all([idle(agent.pid, idleSec), idle(bare.pid, idleSec)]);
    const row = (
      figure: (side: Idle) => number,
      options: { name: string; unit: string; most?: number },
    ): BenchRow => {
      const { name, unit, most } = options;
      const beside = "bare program with a server, fetch, SQLite and ps";
      const rules = most === undefined
        ? {}
        : { target: `≤ ${most}`, meets: (value: number) => value <= most };
      return pairedRow([{ ours, raw }], figure, { name, unit, beside, ...rules });
    };
    return [
      row(({ percent }) => percent, {
        name: `idle for ${idleSec} s at a 5 s poll, every stream on: of one core`,
        unit: "%",
        most: 0.2,
      }),
      row(({ rssMb }) => rssMb, { name: "memory then (RSS)", unit: "MB", most: 60 }),
      row(({ ownMb }) => ownMb, {
        name: "of that its own, without the runtime's file",
        unit: "MB",
      }),
    ];
  },
};

/** The bare program, with the engine set up as the agent's is: compared are the programs. */
async function startBare(dir: string, cloud: string): Promise<HelperProcess> {
  const start = async (name: string) =>
    await startHelper("bare_agent.ts", {
      args: [`${dir}/${name}`, cloud, ...await lookCommand()],
      flags: ["--no-code-cache", V8_FLAGS],
    });
  // As the bundle, it has been run before: what Deno needs for a program that it has not seen is not the program's.
  await (await start("first.db"))[Symbol.asyncDispose]();
  return await start("bare.db");
}

/** The command by which the agent looks, as it would run it. */
async function lookCommand(): Promise<string[]> {
  let command: string[] = [];
  const look = ps([], {
    run(tool, args) {
      command = [tool, ...args];
      return Promise.resolve(new TextEncoder().encode("S init 1 0 init"));
    },
  });
  await look(new AbortController());
  return command;
}

async function idle(pid: number, seconds: number): Promise<Idle> {
  const before = await processStats(pid);
  await wait(seconds * 1_000);
  const after = await processStats(pid);
  return { ...after, percent: (after.cpuMs - before.cpuMs) / (seconds * 10) };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
