/** Events on their way in and out: batches beside raw transactions, one a request, and the live stream. @module */
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../src/agent.ts";
import { Store } from "../../src/store/mod.ts";
import { startAgent } from "../support/agent_process.ts";
import { tempDir } from "../support/temp.ts";
import { benchEvent, loadEvents } from "./events_load.ts";
import { followEvents } from "./events_follow.ts";
import { idleLoop } from "./loop_watch.ts";
import { processStats } from "./process_stats.ts";
import { type BenchRow, median, type Suite } from "./row.ts";

const BATCH = 500;
const BATCHES = 200;
const SINGLES = 30_000;
/** Requests before those that count: until then code is compiled, and the log moved by commits. */
const WARM_UP = 5_000;
/** Some ten seconds of them. */
const SUSTAINED = 100_000;
const SUSTAINED_SEC = 8;
const CONNECTIONS = 32;
const CLIENTS = 500;

export const eventsBench: Suite = {
  name: "events",
  async run({ rounds, bundle }) {
    return [
      await batches(rounds, bundle),
      ...await singles(rounds, bundle),
      await holds(bundle),
      await growth(rounds, bundle),
      ...await following(bundle),
    ];
  },
};

async function batches(rounds: number, bundle: string): Promise<BenchRow> {
  const pairs: { ours: number; raw: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    const raw = rawBatches(`${dir.path}/raw.db`);
    await using agent = await startAgent({ config: {}, entry: bundle });
    const options = { token: await agent.token(), connections: 4, eventsEach: BATCH };
    const { rate } = await loadEvents(agent.url, { ...options, requests: BATCHES });
    pairs.push({ ours: rate, raw });
  }
  const ratio = median(pairs.map(({ ours, raw }) => ours / raw));
  return {
    name: `events over HTTP, batches of ${BATCH}, durable`,
    value: median(pairs.map(({ ours }) => ours)),
    unit: "/s",
    baseline: {
      name: `raw transactions of ${BATCH}`,
      value: median(pairs.map(({ raw }) => raw)),
    },
    ratio,
    target: "≥ 0.9 of raw",
    met: ratio >= 0.9,
  };
}

/** The same rows without an agent, set up as the agent's design has it: a prepared statement, batch by batch. */
function rawBatches(path: string): number {
  new Store(path, { migrations }).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=1000");
  const insert = db.prepare(
    `INSERT INTO local_events (id, mode, ts, seq, source, type, subtype, symbol, severity, body,
       meta_json, idempotency_key, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const at = new Date().toISOString();
  let seq = 0;
  let tookMs = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const rows = Array.from({ length: BATCH }, () => {
      const { meta, ...event } = benchEvent("raw", ++seq);
      // Ids in the order of their making, as the agent's are.
      const id = `019cae44-0000-7000-8000-${seq.toString(16).padStart(12, "0")}`;
      return { ...event as Record<string, string>, id, seq, meta_json: JSON.stringify(meta) };
    }).map((row: Record<string, string | number>) => [
      row.id!,
      row.mode!,
      row.ts!,
      row.seq!,
      row.source!,
      row.type!,
      row.subtype!,
      row.symbol!,
      row.severity!,
      row.body!,
      row.meta_json!,
      row.idempotency_key!,
      at,
    ]);
    const began = performance.now();
    db.exec("BEGIN IMMEDIATE");
    for (const row of rows) insert.run(...row);
    db.exec("COMMIT");
    tookMs += performance.now() - began;
  }
  db.close();
  return BATCH * BATCHES / tookMs * 1_000;
}

async function singles(rounds: number, bundle: string): Promise<BenchRow[]> {
  const rates: number[] = [];
  const p99s: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using agent = await startAgent({ config: {}, entry: bundle });
    const options = { token: await agent.token(), connections: CONNECTIONS, eventsEach: 1 };
    await loadEvents(agent.url, { ...options, requests: WARM_UP });
    const { rate, p99Ms } = await loadEvents(agent.url, { ...options, requests: SINGLES });
    rates.push(rate);
    p99s.push(p99Ms);
  }
  const name = `events over HTTP, one a request, ${CONNECTIONS} connections, durable`;
  const rate = median(rates);
  const p99 = median(p99s);
  return [
    { name, value: rate, unit: "/s", target: "≥ 10 000", met: rate >= 10_000 },
    { name: `${name}: p99`, value: p99, unit: "ms", target: "≤ 10", met: p99 <= 10 },
  ];
}

/** How late the agent's own timers fire while it does nothing but store events, beside a process that does nothing. */
async function holds(bundle: string): Promise<BenchRow> {
  await using agent = await startAgent({ config: {}, entry: bundle });
  const options = { token: await agent.token(), connections: CONNECTIONS, eventsEach: 1 };
  await loadEvents(agent.url, { ...options, requests: WARM_UP });
  const loaded = loadEvents(agent.url, { ...options, requests: SUSTAINED });
  const [idleMs] = await Promise.all([idleLoop(SUSTAINED_SEC), loaded]);
  const status = await (await fetch(`${agent.url}/status`)).json() as {
    event_loop: { delay_max_ms: number };
  };
  const value = status.event_loop.delay_max_ms;
  return {
    name: "event loop held while it stores one event after the other, longest",
    value,
    unit: "ms",
    baseline: { name: "an idle process at the same time", value: idleMs },
    target: "≤ 10 ms more than idle",
    met: value - idleMs <= 10,
  };
}

async function growth(rounds: number, bundle: string): Promise<BenchRow> {
  const small: number[] = [];
  const large: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using agent = await startAgent({ config: {}, entry: bundle });
    const options = { token: await agent.token(), connections: 4, eventsEach: BATCH };
    // Processor time, which says the same on a machine that does other things as well.
    const costOf = async () => {
      const before = (await processStats(agent.pid)).cpuMs;
      await loadEvents(agent.url, { ...options, requests: 100 });
      return ((await processStats(agent.pid)).cpuMs - before) * 1_000 / (100 * BATCH);
    };
    await loadEvents(agent.url, { ...options, requests: 50 });
    small.push(await costOf());
    await loadEvents(agent.url, { ...options, requests: 850 });
    large.push(await costOf());
  }
  const ratio = median(large.map((cost, round) => cost / small[round]!));
  return {
    name: "processor time of an event in a batch, from 500 000 events on",
    value: median(large),
    unit: "µs",
    baseline: { name: "from 25 000 on", value: median(small) },
    ratio,
    target: "≤ 1.2 ×",
    met: ratio <= 1.2,
  };
}

async function following(bundle: string): Promise<BenchRow[]> {
  await using agent = await startAgent({ config: {}, entry: bundle });
  const { delivered, expected, p99Ms } = await followEvents(agent.url, {
    token: await agent.token(),
    clients: CLIENTS,
    perSecond: 100,
    seconds: 5,
  });
  const name = `events to ${CLIENTS} clients of the live stream, 100 a second`;
  return [
    {
      name: `${name}: delivered`,
      value: delivered,
      unit: "events",
      baseline: { name: "sent", value: expected },
      target: "all",
      met: delivered === expected,
    },
    { name: `${name}: p99`, value: p99Ms, unit: "ms", target: "≤ 100", met: p99Ms <= 100 },
  ];
}
