/** The dashboard in a real browser: how soon it is there, what a busy log and a whole day cost it, what it weighs. @module */
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { hasBrowser, startBrowser, type TestBrowser } from "../support/browser.ts";
import { sendSteadily } from "../support/event_stream.ts";
import { FULL_DAY, type Household, household } from "../support/household.ts";
import { heapOf, tasksWhile } from "../support/main_thread.ts";
import { print } from "./print.ts";
import { type BenchRow, median, percentile, type Suite } from "./row.ts";

const PER_SECOND = 500;
const TRACED_MS = 10_000;
/** Until then the list fills, and code is compiled. */
const WARM_UP_MS = 20_000;

export const dashboardBench: Suite = {
  name: "dashboard",
  async run({ rounds, pageSec }) {
    if (!hasBrowser) {
      print("dashboard: left out, there is no Chromium", Deno.stderr);
      return [];
    }
    await using house = await household({ heartbeats: FULL_DAY, strange: "garden" });
    await using browser = await startBrowser();
    return [
      await size(house),
      ...await opening(browser, house, rounds),
      ...await busyLog(browser, house, pageSec),
    ];
  },
};

async function size(house: Household): Promise<BenchRow> {
  const html = new Uint8Array(await (await fetch(house.agent.url)).arrayBuffer());
  const value = gzipSync(html).length / 1_024;
  return {
    name: "the page with everything, gzip",
    value,
    unit: "KB",
    target: "≤ 60",
    met: value <= 60,
  };
}

/** Says when the day's band stands, with the frame that shows it. */
const WATCH_BAND = `new MutationObserver((_, observer) => {
  if (!document.querySelector(".timeline .played")?.getAttribute("d")?.startsWith("M")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => performance.mark("band")));
}).observe(document, { subtree: true, childList: true, attributes: true });`;

interface Opening {
  paint: number;
  /** From the last of the day's answers to the drawn band. */
  draw: number;
  /** From the beginning to the drawn band. */
  whole: number;
}

async function opening(
  browser: TestBrowser,
  house: Household,
  rounds: number,
): Promise<BenchRow[]> {
  const openings: Opening[] = [];
  // The first one starts the browser's own processes.
  for (let round = -1; round < rounds; round++) {
    await using opened = await browser.open(house.agent.url, { before: WATCH_BAND });
    const times = await timesOf(opened.page);
    if (round >= 0) openings.push(times);
  }
  const row = (name: string, key: keyof Opening, most: number): BenchRow => {
    const value = median(openings.map((each) => each[key]));
    return { name, value, unit: "ms", target: `≤ ${most}`, met: value <= most };
  };
  const day = `a day of ${FULL_DAY.toLocaleString("en")} heartbeats`;
  return [
    row("the page's first paint, from an empty cache", "paint", 300),
    row(`${day}: from its last answer to the drawn band`, "draw", 100),
    row(`${day}: from the page's address to the drawn band`, "whole", 1_000),
  ];
}

function timesOf(page: Page): Promise<Opening> {
  return page.evaluate<Opening>(`(async () => {
    while (performance.getEntriesByName("band").length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const whole = performance.getEntriesByName("band")[0].startTime;
    // Answers that came later were asked for when the stream began.
    const asked = performance.getEntriesByType("resource")
      .filter(({ name, responseEnd }) => name.includes("/history") && responseEnd < whole);
    return {
      paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      draw: whole - Math.max(...asked.map(({ responseEnd }) => responseEnd)),
      whole,
    };
  })()`);
}

async function busyLog(
  browser: TestBrowser,
  house: Household,
  pageSec: number,
): Promise<BenchRow[]> {
  await using opened = await browser.open(`${house.agent.url}/#events`);
  const { page, faults } = opened;
  await page.waitForSelector(".badge.local");
  const stream = (ms: number) =>
    sendSteadily((events) => house.send(...events), { perSecond: PER_SECOND, ms });
  await stream(WARM_UP_MS);
  const before = await heapOf(page);
  const tasks = await tasksWhile(browser.browser, () => stream(TRACED_MS));
  await page.evaluate(`window.long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: "longtask" });`);
  await stream(pageSec * 1_000);
  await house.send({
    mode: "live",
    source: "bot",
    type: "LOG",
    subtype: "END",
    body: "the last one",
  });
  await page.locator(".event", { hasText: "the last one" }).waitFor();
  const after = await heapOf(page);
  const long = await page.evaluate<number[]>("window.long");
  if (faults.length > 0) throw new Error(faults.join("\n"));
  const grown = (after - before) / 2 ** 20;
  const longest = tasks[0]?.ms ?? 0;
  return [
    {
      name: `${PER_SECOND} events/s into the open list: longest task of ${tasks.length} in ${
        TRACED_MS / 1_000
      } s`,
      value: longest,
      unit: "ms",
      target: "< 50",
      met: longest < 50,
    },
    {
      name: "p99 of them",
      value: percentile(tasks.map(({ ms }) => ms), 0.99),
      unit: "ms",
      target: "for information",
      met: true,
    },
    {
      name: `the same for ${pageSec} s: tasks above 50 ms`,
      value: long.length,
      unit: "",
      target: "0",
      met: long.length === 0,
    },
    {
      name: `the page's heap then, more than before (${(before / 2 ** 20).toFixed(1)} MB)`,
      value: grown,
      unit: "MB",
      target: "≤ 2",
      met: grown <= 2,
    },
  ];
}
