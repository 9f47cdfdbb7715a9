/**
 * What an agent costs while it lives: memory, files, and how long it held its event loop, as it measures that
 * itself. Its figures hold what the machine did to it, too: what Linux says that the agent may have waited for a
 * processor or the disk, or what befell a process that does nothing, whichever is more, is taken off. That is nothing
 * on a quiet machine, and generous on a busy one.
 * @module
 */
import { processStats } from "../bench/process_stats.ts";
import type { AgentProcess } from "../support/process/agent_process.ts";
import { pause } from "./load/caller.ts";
import type { Control } from "./control.ts";

export interface Sample {
  ageMs: number;
  /** Memory of its own, without the runtime's file. */
  ownMb: number;
  rssMb: number;
  walMb: number;
}

export interface Stall {
  life: number;
  ageMs: number;
  /** How late a timer fired. */
  ms: number;
  /** What the machine did around that time: the agent had to wait, or a process that does nothing was late, too. */
  machineMs: number;
}

/** One life of the agent. */
export interface LifeRecord {
  startMs: number;
  samples: Sample[];
  stalls: Stall[];
  /** The latest timer. */
  longestMs: number;
  /** Timers that were looked at, those of a life's last half second aside. */
  timers: number;
}

const EVERY_MS = 500;
/** What is looked at as a stall: a bound of the agent's histogram. */
export const STALL_MS = 50;

/** Watches an agent until it is gone. */
export async function watch(
  agent: AgentProcess,
  { life, startMs, control }: { life: number; startMs: number; control: Control },
): Promise<LifeRecord> {
  const record: LifeRecord = { startMs, samples: [], stalls: [], longestMs: 0, timers: 0 };
  const born = performance.now();
  let late: Late = { counts: [0, 0, 0], longestMs: 0 };
  // What it waited for a processor until the first look counts, too.
  const waiting = waitingOf(agent.pid);
  let before = await diskMs() + await stolenMs();
  let lookedAt = wallMs() - startMs;
  try {
    for (;;) {
      const metrics = await metricsOf(agent);
      const waited = await waiting();
      const ageMs = performance.now() - born;
      const { rssMb, ownMb } = await processStats(agent.pid);
      const walMb = (metrics.get("clockblock_wal_bytes") ?? 0) / 1e6;
      // A process that was killed a moment ago has no memory any more.
      if (!Number.isNaN(ownMb)) record.samples.push({ ageMs, rssMb, ownMb, walMb });

      const now = lateTimers(metrics);
      const ms = longestSince(late, now);
      if (ms > 0) {
        const machineMs = Math.max(waited - before, control.latestSince(lookedAt));
        record.stalls.push({ life, ageMs, ms, machineMs });
      }
      late = now;
      record.timers = metrics.get("clockblock_event_loop_delay_seconds_count") ?? 0;
      record.longestMs = Math.max(record.longestMs, now.longestMs);
      before = waited;
      lookedAt = wallMs();
      await pause(EVERY_MS);
    }
  } catch {
    // It is gone.
  }
  return record;
}

function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Everything on `/metrics`, by name and labels. */
async function metricsOf(agent: AgentProcess): Promise<Map<string, number>> {
  const response = await fetch(`${agent.url}/metrics`);
  const lines = (await response.text()).split("\n");
  return new Map(
    lines.filter((line) => line && !line.startsWith("#")).map((line) => {
      const blank = line.lastIndexOf(" ");
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

/** Timers that were late, as the agent tells: how many by more than each of the bounds, and the latest. */
export interface Late {
  counts: readonly number[];
  longestMs: number;
}

/** Bounds of the agent's histogram. */
const BOUNDS_MS = [STALL_MS, 100, 250];

export function lateTimers(metrics: Map<string, number>): Late {
  const name = "clockblock_event_loop_delay_seconds";
  const all = metrics.get(`${name}_count`) ?? 0;
  return {
    counts: BOUNDS_MS.map((ms) => all - (metrics.get(`${name}_bucket{le="${ms / 1000}"}`) ?? 0)),
    longestMs: 1_000 * (metrics.get("clockblock_event_loop_delay_max_seconds") ?? 0),
  };
}

/** How late the latest timer was since the last look, as far as that is certain; 0 when none was too late. */
export function longestSince(before: Late, now: Late): number {
  const grown = now.counts.findLastIndex((count, index) => count > before.counts[index]!);
  if (grown < 0) return 0;
  // A new maximum is exact; below it, the bound that was passed is.
  return now.longestMs > before.longestMs ? now.longestMs : BOUNDS_MS[grown]!;
}

/**
 * Tells how long the machine has kept the agent waiting, ever: its threads for a processor, anyone for the disk, and
 * this machine for its host.
 */
function waitingOf(pid: number): () => Promise<number> {
  // Also of threads that have ended: the one that runs the agent's code may have waited for each of them.
  const threads = new Map<string, number>();
  return async () => {
    for (const [thread, ms] of await inLineMs(pid)) threads.set(thread, ms);
    return threads.values().reduce((sum, ms) => sum + ms, 0) + await diskMs() + await stolenMs();
  };
}

/** How long each thread of a process has stood in line. */
async function inLineMs(pid: number): Promise<Map<string, number>> {
  const threads = new Map<string, number>();
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
      // `time on a processor, time in line, turns` in ns: https://docs.kernel.org/scheduler/sched-stats.html
      const text = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`);
      threads.set(name, Number(text.split(" ")[1]) / 1e6);
    }
  } catch {
    // A thread has ended meanwhile, or this Linux does not tell.
  }
  return threads;
}

/** How long the host of a virtual machine let its processors stand still, which no thread's waiting has. */
async function stolenMs(): Promise<number> {
  try {
    // `cpu  user nice system idle iowait irq softirq steal …` in 10 ms: https://docs.kernel.org/filesystems/proc.html
    const [, ...times] = (await Deno.readTextFile("/proc/stat")).split("\n", 1)[0]!.split(/ +/);
    return Number(times[7]) * 10;
  } catch {
    return 0;
  }
}

/** Linux does not tell for whom. */
async function diskMs(): Promise<number> {
  try {
    // `some … total=` in µs: https://docs.kernel.org/accounting/psi.html
    const pressure = await Deno.readTextFile("/proc/pressure/io");
    return Number(/^some .*total=(\d+)/m.exec(pressure)?.[1]) / 1e3;
  } catch {
    return 0;
  }
}
