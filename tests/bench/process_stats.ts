/**
 * What a process has cost so far, from Linux's `/proc`.
 * @module
 */

export interface ProcessStats {
  /** Processor time of the process itself, in milliseconds, without the programs it ran. */
  cpuMs: number;
  rssMb: number;
  /** The most it has been. */
  peakRssMb: number;
  /** The part of it that is its own: the rest is the runtime's file, which every agent shares. */
  ownMb: number;
}

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

export async function processStats(pid: number): Promise<ProcessStats> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name in brackets may hold blanks: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024 / 1e6;
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssMb: megabytes("VmRSS"),
    peakRssMb: megabytes("VmHWM"),
    ownMb: megabytes("RssAnon"),
  };
}
