/**
 * The longest that one request holds the agent's event loop, as the agent measures it itself. Of several rounds the
 * least counts: what the machine did to the agent differs from round to round, what the request costs does not.
 * @module
 */
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import type { BenchRow, Suite } from "../row.ts";

const ROWS = 200_000;
const ROUNDS = 8;
const LIMIT_MS = 10;
/** The agent's own bounds: a hold is known to lie below one of them. */
const BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1_000];
/** After that a hold that was is counted: the agent looks again after 2, 20 and 200 ms. */
const SETTLE_MS = 300;

interface Request {
  name: string;
  ask(call: Call): Promise<unknown>;
}

type Call = (path: string, body?: string, type?: string) => Promise<void>;

const REQUESTS: readonly Request[] = [
  {
    name: "storing 500 events of 500 bytes, a list",
    ask: (call) => call("/local/events", JSON.stringify(events(500))),
  },
  {
    name: "storing 1 000 events of 500 bytes, a line each",
    ask: (call) =>
      call(
        "/local/events",
        events(1_000).map((event) => JSON.stringify(event)).join("\n"),
        "application/x-ndjson",
      ),
  },
  {
    // More are worth a turn of more than 10 ms: the runtime hands over all that have come before it looks at timers.
    name: "100 requests of an event each, at once",
    ask: (call) =>
      Promise.all(events(100).map((event) => call("/local/events", JSON.stringify(event)))),
  },
  { name: "/history?limit=5000", ask: (call) => call("/history?limit=5000") },
  {
    name: "/local/events?limit=1000",
    ask: (call) => call("/local/events?mode=paper&limit=1000"),
  },
  { name: "/days of a year in a time zone", ask: (call) => call("/days?tz=Asia/Kolkata&" + YEAR) },
  { name: "exporting 50 000 heartbeats, page by page", ask: exportPages },
  { name: `recomputing ${ROWS} heartbeats`, ask: (call) => call("/recompute", "{}") },
  { name: "/status", ask: (call) => call("/status") },
  { name: "/metrics", ask: (call) => call("/metrics") },
];

const YEAR = "from=2026-01-01&to=2026-12-31";

export const holdsBench: Suite = {
  name: "holds",
  async run({ bundle }) {
    using dir = tempDir();
    makeBacklog(`${dir.path}/clockblock.db`, { rows: ROWS });
    await using agent = await startAgent({ dir: dir.path, config: {}, entry: bundle });
    const token = await agent.token();
    const call: Call = async (path, body, type = "application/json") => {
      const headers = { authorization: `Bearer ${token}`, "content-type": type };
      const response = await fetch(
        agent.url + path,
        body === undefined ? { headers } : { method: "POST", headers, body },
      );
      const text = await response.text();
      if (!response.ok) throw new Error(`Cannot ask ${path}: ${response.status} ${text}`);
    };
    const rows: BenchRow[] = [];
    for (const { name, ask } of REQUESTS) {
      let least = Infinity;
      for (let round = 0; round < ROUNDS && least > 1; round++) {
        await pause(SETTLE_MS);
        const before = await lateTimers(agent.url);
        await ask(call);
        await pause(SETTLE_MS);
        least = Math.min(least, boundOf(before, await lateTimers(agent.url)));
      }
      rows.push({
        name: `event loop held by ${name}, at most`,
        value: least,
        unit: "ms",
        target: `≤ ${LIMIT_MS} ms`,
        met: least <= LIMIT_MS,
      });
    }
    return rows;
  },
};

/** How many timers were late by more than each of the bounds. */
async function lateTimers(url: string): Promise<number[]> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (suffix: string) =>
    Number(text.split(`clockblock_event_loop_delay_seconds_${suffix} `)[1]?.split("\n")[0]);
  const all = value("count");
  return BOUNDS_MS.map((ms) => all - value(`bucket{le="${ms / 1_000}"}`));
}

/** The bound below which all timers since then were. */
function boundOf(before: readonly number[], now: readonly number[]): number {
  const exceeded = now.findLastIndex((count, index) => count > before[index]!);
  return BOUNDS_MS[exceeded + 1] ?? Infinity;
}

async function exportPages(call: Call): Promise<void> {
  for (let page = 0; page < 10; page++) await call("/history?limit=5000");
}

function events(count: number): object[] {
  return Array.from({ length: count }, (_, n) => ({
    mode: "paper",
    source: "bench",
    type: "ORDER",
    subtype: "TICK",
    symbol: "BTC-USD",
    body: "x".repeat(300),
    meta: { n, price: 60_118.5, tags: ["a", "b"] },
    idempotency_key: crypto.randomUUID(),
  }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
