/**
 * `deno task soak [--minutes=2] [--seed=1]`: an agent under load whose cloud breaks and that is killed at random
 * moments, and an oracle that counts: every acknowledged event and every heartbeat is in the cloud at the end, as it
 * was sent, under one number, and memory has not grown.
 * @module
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { processStats } from "../bench/process_stats.ts";
import { print } from "../bench/print.ts";
import { type AgentProcess, startAgent } from "../support/agent_process.ts";
import { type Fault, FaultyServer } from "../support/faulty_server.ts";
import { tempDir } from "../support/temp.ts";

const WRITERS = 4;
const FAULTY_SHARE = 0.3;
const LIFE_MS = { least: 3_000, most: 12_000 };
const DRAIN_MS = 120_000;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
  },
});
const random = mulberry32(Number(values.seed));
const until = performance.now() + Number(values.minutes) * 60_000;

using dir = tempDir();
await using heartbeats = await FaultyServer.start();
await using events = await FaultyServer.start();
for (const server of [heartbeats, events]) server.nextFault = randomFault;
const config = {
  poll_interval_sec: 1,
  sync_interval_sec: 1,
  timeout_sec: 2,
  process_name: "sleep",
  endpoint_url: heartbeats.url,
  events: { endpoint_url: events.url, flush: { active_sec: 1, offhours_sec: 1 } },
};

/** What was acknowledged: body and seq by idempotency key. */
const acknowledged = new Map<string, { body: string; seq: number }>();
const memoryMb: number[] = [];
let agent: AgentProcess = await startAgent({ dir: dir.path, config });
let lives = 1;
let ended = false;

const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
while (performance.now() < until) {
  await wait(LIFE_MS.least + random() * (LIFE_MS.most - LIFE_MS.least));
  memoryMb.push((await processStats(agent.pid)).rssMb);
  await agent.kill();
  agent = await startAgent({ dir: dir.path, config });
  lives++;
}
ended = true;
await Promise.all(writers);

// The cloud recovers, and everything arrives.
for (const server of [heartbeats, events]) server.nextFault = () => undefined;
const stored = await everyHeartbeat();
const deadline = performance.now() + DRAIN_MS;
const missing = () => ({
  events: [...acknowledged.keys()].filter((key) => !cloudEvents().has(key)).length,
  heartbeats: stored.filter((id) => !heartbeats.rows.has(id)).length,
});
while (missing().events + missing().heartbeats > 0 && performance.now() < deadline) {
  await fetch(`${agent.url}/sync/now`, {
    method: "POST",
    headers: { authorization: `Bearer ${await agent.token()}` },
  }).then((answer) => answer.body?.cancel());
  await wait(200);
}
await agent.stop();

assert.deepEqual(
  missing(),
  { events: 0, heartbeats: 0 },
  "Something acknowledged is not in the cloud",
);
const inCloud = cloudEvents();
for (const [key, { body, seq }] of acknowledged) {
  assert.deepEqual([inCloud.get(key)!.body, inCloud.get(key)!.seq], [body, seq], key);
}
const seqs = [...inCloud.values()].map(({ seq }) => Number(seq)).sort((a, b) => a - b);
assert.deepEqual(seqs, seqs.map((_, index) => index + 1), "seq has gaps or repeats");
print(
  `${acknowledged.size} events and ${stored.length} heartbeats through ${lives} lives: all in the cloud, none twice. ` +
    `Memory ${Math.min(...memoryMb).toFixed(0)}–${Math.max(...memoryMb).toFixed(0)} MB.`,
);

/** Sends events until the soak ends; one whose answer was lost is sent again under its key. */
async function write(writer: number): Promise<void> {
  for (let count = 0; !ended; count++) {
    const key = `${writer}-${count}`;
    const body = `event ${key} ${"x".repeat(Math.floor(random() * 200))}`;
    while (!acknowledged.has(key)) {
      const seq = await send(key, body);
      if (seq !== undefined) acknowledged.set(key, { body, seq });
      else await wait(20);
    }
    await wait(5);
  }
}

async function send(key: string, body: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${agent.url}/local/events`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${await agent.token()}`,
      },
      body: JSON.stringify({
        mode: "paper",
        source: "soak",
        type: "SOAK",
        subtype: random() < 0.02 ? "KILL_SWITCH" : "TICK",
        body,
        idempotency_key: key,
      }),
    });
    const { accepted } = await answer.json() as { accepted?: { seq: number }[] };
    return accepted?.[0]?.seq;
  } catch {
    // It was killed before it answered: whether it has the event, the next try finds out.
    return undefined;
  }
}

function cloudEvents(): Map<string, Readonly<Record<string, unknown>>> {
  return new Map([...events.rows.values()].map((row) => [String(row.idempotency_key), row]));
}

/** The ids of all heartbeats on this machine. */
async function everyHeartbeat(): Promise<string[]> {
  const ids: string[] = [];
  let next: string | undefined = "/history?limit=5000";
  while (next) {
    const answer: Response = await fetch(agent.url + next);
    ids.push(...(await answer.json() as { id: string }[]).map(({ id }) => id));
    next = /<([^>]+)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return ids;
}

function randomFault(): Fault | undefined {
  if (random() > FAULTY_SHARE) return undefined;
  const faults: Fault[] = [
    { kind: "status", status: 500 },
    { kind: "status", status: 429, headers: { "retry-after": "1" } },
    { kind: "status", status: 503 },
    { kind: "hang" },
    { kind: "reset" },
    { kind: "reset-after-apply" },
    { kind: "half-written" },
    { kind: "duplicate" },
    { kind: "slow", ms: 300 },
  ];
  return faults[Math.floor(random() * faults.length)];
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A small generator with a seed: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
