/** `GET /status`, `/daily` and ten rows of `/history` beside a bare handler that reads one row. @module */
import { startAgent } from "../support/agent_process.ts";
import { tempDir } from "../support/temp.ts";
import { makeBacklog } from "./backlog.ts";
import { startHelper } from "./helper_process.ts";
import { load } from "./load.ts";
import { processStats } from "./process_stats.ts";
import { median, type Suite } from "./row.ts";

const CONNECTIONS = 32;

/** What one server made of the load. */
interface Side {
  rate: number;
  /** Of one answer. */
  cpuUs: number;
}

/** Other answers beside the same bare handler. */
const OTHERS = [
  { path: "/daily", target: 0.5 },
  { path: "/history?limit=10", target: 0.3 },
] as const;

interface Round {
  raw: Side;
  /** As raw, with as many bytes as ours. */
  long: Side;
  ours: Side;
  /** As `OTHERS`. */
  others: Side[];
}

export const statusBench: Suite = {
  name: "status",
  async run({ rounds, bundle }) {
    using dir = tempDir();
    makeBacklog(`${dir.path}/clockblock.db`, { rows: 1_000 });
    await using agent = await startAgent({ config: {}, entry: bundle, dir: dir.path });
    await using bare = await startHelper("bare_server.ts");
    const bytes = (await (await fetch(`${agent.url}/status`)).bytes()).byteLength;
    await using bareLong = await startHelper("bare_server.ts", { args: [String(bytes)] });
    const options = { connections: CONNECTIONS, seconds: 3 };
    const measurements: Round[] = [];
    const measured = async (url: string, pid: number): Promise<Side> => {
      const before = (await processStats(pid)).cpuMs;
      const { rate, failed } = await load(url, options);
      if (failed > 0) throw new Error(`${failed} answers of ${url} were no 200`);
      const spentMs = (await processStats(pid)).cpuMs - before;
      return { rate, cpuUs: spentMs * 1_000 / (rate * options.seconds) };
    };
    await load(`${agent.url}/status`, { ...options, seconds: 1 });
    await load(`${bare.url}/`, { ...options, seconds: 1 });
    await load(`${bareLong.url}/`, { ...options, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      const raw = await measured(`${bare.url}/`, bare.pid);
      const ours = await measured(`${agent.url}/status`, agent.pid);
      const long = await measured(`${bareLong.url}/`, bareLong.pid);
      const others: Side[] = [];
      for (const { path } of OTHERS) others.push(await measured(`${agent.url}${path}`, agent.pid));
      measurements.push({ raw, long, ours, others });
    }
    const medianOf = (figure: (round: Round) => number) => median(measurements.map(figure));
    const ratio = medianOf(({ ours, raw }) => ours.rate / raw.rate);
    return [
      {
        name: `GET /status, ${CONNECTIONS} connections`,
        value: medianOf(({ ours }) => ours.rate),
        unit: "/s",
        baseline: { name: "bare handler, one row", value: medianOf(({ raw }) => raw.rate) },
        ratio,
        target: "≥ 0.6 of bare",
        met: ratio >= 0.6,
      },
      {
        // The runtime sends what is longer than 512 bytes in two pieces, each a system call.
        name: "the same beside an answer of as many bytes",
        value: medianOf(({ ours }) => ours.rate),
        unit: "/s",
        baseline: {
          name: `bare handler, ${bytes} bytes`,
          value: medianOf(({ long }) => long.rate),
        },
        ratio: medianOf(({ ours, long }) => ours.rate / long.rate),
        target: "for information",
        met: true,
      },
      {
        name: "processor time of one",
        value: medianOf(({ ours }) => ours.cpuUs),
        unit: "µs",
        baseline: { name: "bare handler", value: medianOf(({ raw }) => raw.cpuUs) },
        ratio: medianOf(({ ours, raw }) => ours.cpuUs / raw.cpuUs),
        target: "for information",
        met: true,
      },
      ...OTHERS.map(({ path, target }, index) => {
        const ratio = medianOf(({ others, raw }) => others[index]!.rate / raw.rate);
        return {
          name: `GET ${path}, ${CONNECTIONS} connections`,
          value: medianOf(({ others }) => others[index]!.rate),
          unit: "/s",
          baseline: { name: "bare handler, one row", value: medianOf(({ raw }) => raw.rate) },
          ratio,
          target: `≥ ${target} of bare`,
          met: ratio >= target,
        };
      }),
    ];
  },
};
