/**
 * What a page costs the thread it runs on: Chromium's own trace of its tasks, and its memory after the garbage is
 * collected. A task's time on the processor counts beside its time by the clock, which other programs lengthen.
 * @module
 */
import type { Browser, Page } from "playwright-core";

export interface Task {
  /** By the clock. */
  readonly ms: number;
  /** On the processor. */
  readonly cpuMs: number;
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

const CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"];

/** The tasks of the browser's pages while something is done, the longest first. */
export async function tasksWhile(
  browser: Browser,
  work: () => Promise<unknown>,
): Promise<Task[]> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    // Minutes of it are hundreds of thousands: kept is what is counted.
    const some = value as unknown as TraceEvent[];
    events.push(...some.filter(({ name }) => name === "RunTask" || name === "thread_name"));
  });
  const complete = new Promise<void>((resolve) =>
    session.on("Tracing.tracingComplete", () => resolve())
  );
  await session.send("Tracing.start", {
    traceConfig: { includedCategories: CATEGORIES },
    transferMode: "ReportEvents",
  });
  try {
    await work();
  } finally {
    await session.send("Tracing.end");
    await complete;
    await session.detach();
  }
  const pages = new Set(
    events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  return events
    .filter(({ name, pid, tid }) => name === "RunTask" && pages.has(`${pid}/${tid}`))
    .map(({ dur = 0, tdur = 0 }) => ({ ms: dur / 1_000, cpuMs: tdur / 1_000 }))
    .sort((a, b) => b.ms - a.ms);
}

/** What the page's objects take once its garbage is collected, in bytes. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    return usedSize;
  } finally {
    await session.detach();
  }
}
