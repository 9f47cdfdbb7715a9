/**
 * What a process has cost so far, from Linux's `/proc`.
 * @module
 */

export interface ProcessStats {
  /** Processor time of the process itself, in milliseconds, without the programs it ran. */
  cpuMs: number;
  rssMb: number;
}

/** Linux counts processor time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

export async function processStats(pid: number): Promise<ProcessStats> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name in brackets may hold blanks: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const statm = (await Deno.readTextFile(`/proc/${pid}/statm`)).split(" ");
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssMb: Number(statm[1]) * PAGE_BYTES / 1e6,
  };
}
