/** The routes that pages poll, each beside a bare handler that reads one row. @module */
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import { startHelper } from "../beside/helper_process.ts";
import { load } from "../load/load.ts";
import { processStats } from "../process_stats.ts";
import { type BenchRow, median, type Suite } from "../row.ts";

const CONNECTIONS = 32;

/** path → the least part of the bare handler's rate. */
const TARGETS: Readonly<Record<string, number>> = {
  "/status": 0.5,
  "/daily": 0.5,
  "/healthz": 0.5,
  "/history?limit=10": 0.3,
};

/** What one server made of the load. */
interface Side {
  rate: number;
  /** Of one answer. */
  cpuUs: number;
}

interface Round {
  raw: Side;
  ours: Side;
}

export const statusBench: Suite = {
  name: "status",
  async run({ rounds, bundle }) {
    using dir = tempDir();
    makeBacklog(`${dir.path}/clockblock.db`, { rows: 1_000 });
    await using agent = await startAgent({ config: {}, entry: bundle, dir: dir.path });
    await using bare = await startHelper("bare_server.ts", { args: [`${dir.path}/bare.db`] });
    const options = { connections: CONNECTIONS, seconds: 2 };
    const measured = async (url: string, pid: number): Promise<Side> => {
      const before = (await processStats(pid)).cpuMs;
      const { rate, failed } = await load(url, options);
      if (failed > 0) throw new Error(`${failed} answers of ${url} were no 200`);
      const spentMs = (await processStats(pid)).cpuMs - before;
      return { rate, cpuUs: spentMs * 1_000 / (rate * options.seconds) };
    };
    await load(`${bare.url}/`, { ...options, seconds: 1 });
    const rows: BenchRow[] = [];
    for (const [path, target] of Object.entries(TARGETS)) {
      await load(agent.url + path, { ...options, seconds: 1 });
      const measurements: Round[] = [];
      for (let round = 0; round < rounds; round++) {
        const raw = await measured(`${bare.url}/`, bare.pid);
        measurements.push({ raw, ours: await measured(agent.url + path, agent.pid) });
      }
      rows.push(...rowsOf(`GET ${path}, ${CONNECTIONS} connections`, { measurements, target }));
    }
    return rows;
  },
};

function rowsOf(
  name: string,
  { measurements, target }: { measurements: readonly Round[]; target: number },
): BenchRow[] {
  const medianOf = (figure: (round: Round) => number) => median(measurements.map(figure));
  const ratio = medianOf(({ ours, raw }) => ours.rate / raw.rate);
  return [{
    name,
    value: medianOf(({ ours }) => ours.rate),
    unit: "/s",
    baseline: { name: "bare handler, one row", value: medianOf(({ raw }) => raw.rate) },
    ratio,
    target: `≥ ${target} of bare`,
    met: ratio >= target,
  }, {
    name: `${name}: processor time of one`,
    value: medianOf(({ ours }) => ours.cpuUs),
    unit: "µs",
    baseline: { name: "bare handler", value: medianOf(({ raw }) => raw.cpuUs) },
    ratio: medianOf(({ ours, raw }) => ours.cpuUs / raw.cpuUs),
    target: "for information",
    met: true,
  }];
}
