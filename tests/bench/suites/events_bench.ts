/** Events on their way in and out: batches beside raw transactions, one a request, and the live stream. @module */
import { startAgent } from "../../support/process/agent_process.ts";
import { tempDir } from "../../support/temp.ts";
import { type Followed, followEvents } from "../load/events_follow.ts";
import { benchEvent, type EventsLoad, loadEvents } from "../load/events_load.ts";
import { startHelper } from "../beside/helper_process.ts";
import { idleLoop } from "../loop_watch.ts";
import { processStats } from "../process_stats.ts";
import { openRawEvents, rawEventRow } from "../beside/raw_events.ts";
import { type BenchRow, type Pair, pairedRow, type Suite } from "../row.ts";

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
      ...await following(rounds, bundle),
    ];
  },
};

async function batches(rounds: number, bundle: string): Promise<BenchRow> {
  const pairs: Pair<number>[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    const raw = rawBatches(`${dir.path}/raw.db`);
    await using agent = await startAgent({ config: {}, entry: bundle });
    const options = { token: await agent.token(), connections: 4, eventsEach: BATCH };
    const { rate } = await loadEvents(agent.url, { ...options, requests: BATCHES });
    pairs.push({ ours: rate, raw });
  }
  return pairedRow(pairs, (rate) => rate, {
    name: `events over HTTP, batches of ${BATCH}, durable`,
    unit: "/s",
    beside: `raw transactions of ${BATCH}`,
    target: "≥ 0.9 of raw",
    meets: (_, ratio) => ratio >= 0.9,
  });
}

/** The same rows without an agent: a prepared statement, batch by batch. */
function rawBatches(path: string): number {
  const { db, insert } = openRawEvents(path);
  let seq = 0;
  let tookMs = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const rows = Array.from({ length: BATCH }, () => rawEventRow(benchEvent("raw", ++seq), seq));
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
  const pairs: Pair<EventsLoad>[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    await using bare = await startHelper("bare_events.ts", { args: [`${dir.path}/bare.db`] });
    await using agent = await startAgent({ config: {}, entry: bundle });
    pairs.push({
      raw: await loadSingles(bare.url),
      ours: await loadSingles(agent.url, await agent.token()),
    });
  }
  const name = `events over HTTP, one a request, ${CONNECTIONS} connections, durable`;
  const beside = "bare handler, a transaction each";
  return [
    pairedRow(pairs, ({ rate }) => rate, {
      name,
      unit: "/s",
      beside,
      target: "≥ 10 000",
      meets: (rate) => rate >= 10_000,
    }),
    pairedRow(pairs, ({ p99Ms }) => p99Ms, {
      name: `${name}: p99`,
      unit: "ms",
      beside,
      target: "≤ 10",
      meets: (ms) => ms <= 10,
    }),
  ];
}

async function loadSingles(url: string, token = "none"): Promise<EventsLoad> {
  const options = { token, connections: CONNECTIONS, eventsEach: 1 };
  await loadEvents(url, { ...options, requests: WARM_UP });
  return await loadEvents(url, { ...options, requests: SINGLES });
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
  const pairs: Pair<number>[] = [];
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
    const raw = await costOf();
    await loadEvents(agent.url, { ...options, requests: 850 });
    pairs.push({ ours: await costOf(), raw });
  }
  return pairedRow(pairs, (us) => us, {
    name: "processor time of an event in a batch, from 500 000 events on",
    unit: "µs",
    beside: "from 25 000 on",
    target: "≤ 1.2 ×",
    meets: (_, ratio) => ratio <= 1.2,
  });
}

async function following(rounds: number, bundle: string): Promise<BenchRow[]> {
  const pairs: Pair<Followed>[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    await using bare = await startHelper("bare_events.ts", { args: [`${dir.path}/bare.db`] });
    await using agent = await startAgent({ config: {}, entry: bundle });
    const options = { clients: CLIENTS, perSecond: 100, seconds: 4 };
    pairs.push({
      raw: await followEvents(bare.url, { ...options, token: "none" }),
      ours: await followEvents(agent.url, { ...options, token: await agent.token() }),
    });
  }
  const name = `events to ${CLIENTS} clients of the live stream, 100 a second`;
  const delivered = Math.min(...pairs.map(({ ours }) => ours.delivered));
  const expected = pairs[0]!.ours.expected;
  return [
    {
      name: `${name}: delivered`,
      value: delivered,
      unit: "events",
      baseline: { name: "sent", value: expected },
      target: "all",
      met: delivered === expected,
    },
    pairedRow(pairs, ({ p99Ms }) => p99Ms, {
      name: `${name}: p99`,
      unit: "ms",
      beside: "bare handler, as many bytes to each",
      target: "≤ 100",
      meets: (ms) => ms <= 100,
    }),
  ];
}
