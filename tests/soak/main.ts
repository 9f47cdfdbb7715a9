/**
 * `deno task soak [--minutes=2 | --hours=8] [--seed=1] [--keep]`: an agent with every stream under load, whose
 * network breaks in every way and which dies at random moments; afterwards an oracle counts. It prints what it saw
 * and ends with 1 when anything is not as it has to be. A seed gives the same deaths, weather and load again.
 * @module
 */
import { parseArgs } from "node:util";
import { print } from "../bench/print.ts";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { argumentsOf } from "../support/process/arguments.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { FaultProxy, type LinkFault } from "../support/servers/fault_proxy.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { tempDir } from "../support/temp.ts";
import { callerOf, pause } from "./load/caller.ts";
import { startClock } from "./clock.ts";
import { startControl } from "./control.ts";
import { EventsLoad } from "./load/events.ts";
import { growthRules } from "./growth.ts";
import { DevicesLoad, GAME, GameLoad, SERIALS, watchHeartbeats } from "./load/life.ts";
import { judge, lastHeartbeat } from "./oracle.ts";
import { type Change, type LinkName, LINKS, makePlan, nameOf } from "./plan.ts";
import { randomOf } from "./load/random.ts";
import { RecordsLoad, SYSTEM } from "./load/records.ts";
import { type FaultCount, printReport } from "./report.ts";
import { type LifeRecord, watch } from "./watch.ts";

const DRAIN_MS = 180_000;
/** A longer soak sends as many events as one of so many minutes: this process keeps what the clouds have. */
const FULL_MINUTES = 30;

const USAGE = `Loads every stream, breaks the network and kills the agent, then counts.

  deno task soak [--minutes=2 | --hours=8] [--seed=1] [--keep]

It needs libfaketime, to set the agent's clock (Debian, Ubuntu: apt-get install libfaketime).

  --minutes, --hours   for how long (2 minutes)
  --seed               which deaths, weather and load: the same number gives the same again (1)
  --keep               leaves the agent's folder where it is, and says where

It ends with 0 when nothing was lost, changed or held up, with 1 when anything was.`;

using home = tempDir();
const { minutes, seed, keep, clock } = argumentsOf(USAGE, (args) => {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: "string" },
      hours: { type: "string" },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
    },
  });
  const { minutes, hours, keep } = values;
  if (minutes !== undefined && hours !== undefined) {
    throw new TypeError("Cannot soak for --minutes and for --hours");
  }
  const length = hours === undefined ? Number(minutes ?? 2) : Number(hours) * 60;
  if (!(length > 0 && length < Infinity)) {
    throw new TypeError(`Cannot soak for "${hours ?? minutes}": a number above 0 is wanted`);
  }
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) {
    throw new TypeError(`Cannot take "${values.seed}" for --seed: a whole number is wanted`);
  }
  return { minutes: length, seed, keep, clock: startClock(`${home.path}/clock`) };
});
const plan = makePlan({ seed, ms: minutes * 60_000 });
print(
  `Soaking for ${minutes} minutes with seed ${seed}: ${plan.lives.length} lives, ` +
    `${
      plan.changes.length / 2
    } faults on ${LINKS.length} links, ${plan.clock.length} steps of the clock.`,
);

using temp = tempDir();
const dir = keep ? await Deno.makeTempDir({ prefix: "clockblock-soak-" }) : temp.path;
const database = `${dir}/clockblock.db`;
await using events = await FaultyServer.start();
await using punches = await FaultyServer.start();
/** Where redirects lead: nothing may ask it. */
await using elsewhere = await FaultyServer.start();
await using supabase = await Cloud.start();
// Somebody may write there before the agent's first sign-in, and what has rows is nobody's to claim.
await supabase.sql("INSERT INTO system_members (system_id, user_id) VALUES ($1, $2)", [
  SYSTEM,
  supabase.alice.id,
]);
await using control = startControl();
await using network = new AsyncDisposableStack();
const proxyTo = (name: LinkName, target: number) =>
  network.use(new FaultProxy(target, { random: randomOf(seed, `bytes ${name}`) }));
const links: Record<LinkName, FaultProxy> = {
  events: proxyTo("events", events.port),
  punches: proxyTo("punches", punches.port),
  supabase: proxyTo("supabase", supabase.plug.port),
  devices: proxyTo("devices", 1),
};
const servers: Partial<Record<LinkName, FaultyServer>> = { events, punches };
const config = {
  device_id: SYSTEM,
  process_name: GAME,
  poll_interval_sec: 1,
  sync_interval_sec: 2,
  timeout_sec: 3,
  supabase: {
    url: `http://127.0.0.1:${links.supabase.port}`,
    key: supabase.key,
    email: supabase.alice.email,
    password: supabase.alice.password,
  },
  events: {
    endpoint_url: `http://127.0.0.1:${links.events.port}/events`,
    flush: { active_sec: 1, offhours_sec: 1 },
  },
  attendance: {
    enabled: true,
    host: "127.0.0.1",
    port: 0,
    time_zone: "UTC",
    endpoint_url: `http://127.0.0.1:${links.punches.port}/punches`,
    devices: SERIALS.map((sn) => ({ sn, name: sn })),
  },
  records: { sync_interval_sec: 2 },
};

let agent: AgentProcess | undefined;
const told = new Set<string>();
const refusals = new Map<string, number>();
const lives: LifeRecord[] = [];
const troubles: string[] = [];
const caller = callerOf(() => agent, refusals);
const eventsLoad = new EventsLoad({ seed, caller, ease: Math.max(1, minutes / FULL_MINUTES) });
const recordsLoad = new RecordsLoad({ seed, caller, cloud: supabase });
const devicesLoad = new DevicesLoad(links.devices.port);
const gameLoad = new GameLoad();

const ended = new AbortController();
const hangUp = new AbortController();
const loads = [
  eventsLoad.run(ended.signal),
  recordsLoad.run(ended.signal),
  devicesLoad.run(seed, { signal: ended.signal, hangUp: hangUp.signal }),
  gameLoad.run(seed, ended.signal),
];
const faults = new Map<string, FaultCount>();
const inForce = new Map<LinkName, FaultCount>();
const weather = Promise.all([
  atTheirTime(plan.changes, change),
  atTheirTime(plan.clock, ({ offsetSec }) => clock.set(offsetSec)),
]);
let watching: Promise<void>[] = [];
for (const { runMs, end } of plan.lives) {
  const alive = await begin();
  await Promise.race([pause(runMs), alive.ended]);
  agent = undefined;
  if (await hasEnded(alive)) {
    troubles.push(`life ${lives.length} ended by itself: ${alive.output.slice(-600)}`);
  } else if (end === "SIGTERM") await stopped(alive);
  else await alive.kill();
  await Promise.all(watching);
  clock.forget(alive.pid);
}

// The weather clears, and everything has to arrive.
ended.abort();
await weather;
for (const name of LINKS) change({ link: name, fault: { kind: "clear" } });
clock.set(0);
const last = await begin();
const { drainedSeq, drainedMs } = await drained();
hangUp.abort();
await Promise.all(loads);
await stopped(last);
await Promise.all(watching);
clock.forget(last.pid);

const verdicts = await judge({
  database,
  events: { load: eventsLoad, cloud: events },
  punches: { load: devicesLoad, cloud: punches },
  told,
  drainedSeq,
  records: recordsLoad,
  supabase,
});
const good = printReport({
  lives,
  plan,
  faults,
  diverted: elsewhere.requests.map(({ method, path }) => `${method} ${path}`),
  verdicts,
  rules: growthRules(lives, { dir, database }),
  troubles,
  refusals,
  drainedMs,
  game: gameLoad,
  database,
});
if (keep) print(`Everything is kept in ${dir}`);
Deno.exitCode = good ? 0 : 1;

/** Starts the agent, and whoever looks at it. */
async function begin(): Promise<AgentProcess> {
  const began = performance.now();
  const alive = await startAgent({ dir, config, env: clock.env });
  const startMs = performance.now() - began;
  links.devices.target = await listenerOf(alive);
  agent = alive;
  const life = lives.length;
  lives.push({ startMs, samples: [], stalls: [], longestMs: 0, timers: 0 });
  watching = [
    watch(alive, { life, startMs, control }).then((record) => void (lives[life] = record)),
    watchHeartbeats(alive, told),
  ];
  return alive;
}

async function listenerOf({ url }: AgentProcess): Promise<number> {
  for (;;) {
    const { attendance } = await (await fetch(`${url}/status`)).json();
    const port = /:(\d+)$/.exec(attendance.listening ?? "")?.[1];
    if (port) return Number(port);
    await pause(20);
  }
}

async function stopped(alive: AgentProcess): Promise<void> {
  const { code } = await alive.stop();
  if (code === 0) return;
  troubles.push(`it was asked to end and did so with code ${code}: ${alive.output.slice(-600)}`);
}

async function hasEnded({ ended }: AgentProcess): Promise<boolean> {
  return await Promise.race([ended.then(() => true), pause(0).then(() => false)]);
}

async function atTheirTime<T extends { atMs: number }>(
  planned: readonly T[],
  act: (next: T) => void,
): Promise<void> {
  const began = performance.now();
  for (const next of planned) {
    await pause(Math.max(0, next.atMs - (performance.now() - began)));
    if (ended.signal.aborted) return;
    act(next);
  }
}

function change({ link, fault }: Omit<Change, "atMs">): void {
  const count = faults.get(nameOf(fault)) ?? { times: 0, met: 0 };
  if (fault.kind !== "clear") faults.set(nameOf(fault), count);
  count.times++;
  const server = servers[link];
  const atServer = fault.kind === "server" ? fault.fault : undefined;
  if (server) {
    server.nextFault = () => {
      if (atServer) count.met++;
      return atServer;
    };
    // Hours of requests would fill the memory of this process.
    server.requests.length = 0;
    supabase.requests.length = 0;
  }
  const before = inForce.get(link);
  if (before) before.met += links[link].met;
  if (fault.kind === "clear" || fault.kind === "server") inForce.delete(link);
  else inForce.set(link, count);
  links[link].fault = onLink(fault);
}

function onLink(fault: Change["fault"]): LinkFault {
  if (fault.kind === "server") return { kind: "clear" };
  if (fault.kind !== "redirect") return fault;
  const { status, host } = fault;
  const location = `http://${host}:${elsewhere.port}/elsewhere`;
  return { kind: "status", status, headers: { location } };
}

/** Waits until nothing waits; returns the last heartbeat that was there before, and how long it took. */
async function drained(): Promise<{ drainedSeq: number; drainedMs: number }> {
  const began = performance.now();
  for (;;) {
    const drainedSeq = lastHeartbeat(database);
    await caller.ask("/sync/now", { method: "POST" });
    const status = await caller.ask("/sync/status") as {
      lanes: { stream: string; rows_waiting: number | null; rows_rejected: number }[];
    } | undefined;
    const drainedMs = performance.now() - began;
    const waits = status?.lanes.filter(({ rows_waiting }) => rows_waiting !== 0) ?? [];
    if (status && waits.length === 0 && devicesLoad.waiting === 0) return { drainedSeq, drainedMs };
    if (drainedMs > DRAIN_MS) {
      const left = JSON.stringify({ lanes: status?.lanes, devices: devicesLoad.waiting });
      troubles.push(`after ${DRAIN_MS / 1000} s it still waits: ${left}`);
      return { drainedSeq, drainedMs };
    }
    await pause(100);
  }
}
