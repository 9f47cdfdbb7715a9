/**
 * How long something took the agent, without what the machine did to it. A promise in seconds is one about the
 * agent: on a machine with many suites at once, its thread and the test's stand in line for a processor, and that
 * says nothing about either.
 * @module
 */

/** How often a process that may be gone in the end is looked at. */
const LOOK_MS = 10;

/**
 * Milliseconds that `work` took, less what the thread of the test and the agent's, where it is a process of its own,
 * waited for a processor, and anyone for the disk. Only Linux tells that; elsewhere it is the time that passed.
 */
export async function ownMs(
  work: () => Promise<unknown>,
  { pid }: { pid?: number } = {},
): Promise<number> {
  const began = performance.now();
  const before = Deno.build.os === "linux" ? waitedMs(pid) : 0;
  let last = before;
  const look = () => last = Math.max(last, waitedMs(pid));
  const looking = Deno.build.os === "linux" ? setInterval(look, LOOK_MS) : undefined;
  try {
    await work();
    if (looking !== undefined) look();
  } finally {
    clearInterval(looking);
  }
  return performance.now() - began - (last - before);
}

function waitedMs(pid: number | undefined): number {
  // Of this process this thread alone: others run other tests. Of the agent the first, which runs its code.
  const agentMs = pid === undefined ? 0 : inLineMs(`/proc/${pid}`);
  return agentMs + inLineMs("/proc/thread-self") + diskMs();
}

/** `time on a processor, time in line, turns` in ns: https://docs.kernel.org/scheduler/sched-stats.html */
function inLineMs(folder: string): number {
  return Number(textOf(`${folder}/schedstat`).split(" ")[1] ?? 0) / 1e6;
}

/** `some … total=` in µs: https://docs.kernel.org/accounting/psi.html */
function diskMs(): number {
  return Number(/^some .*total=(\d+)/m.exec(textOf("/proc/pressure/io"))?.[1] ?? 0) / 1e3;
}

/** Empty where there is no such file: the process has ended, or this Linux does not tell. */
function textOf(path: string): string {
  try {
    // Not `async`: that would be read by another thread.
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
