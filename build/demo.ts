/**
 * `deno task demo`: the agent with everything it can be connected to, all of it pretended and on this machine: a
 * model of Supabase in this process, sixty days of past, a game that comes and goes, two attendance devices, an
 * application that sends events, and somebody who edits records in the cloud. Enter pulls the plug of the cloud and puts it back;
 * so does a POST to the switch, which is printed at the start. Ctrl-C ends it and leaves nothing behind.
 * @module
 */
// deno-lint-ignore-file no-console
import { runAgent } from "../src/agent.ts";
import { loadConfig } from "../src/config/mod.ts";
import { every, localTimeZone, systemClock } from "../src/core/mod.ts";
import { argumentsOf, numbersOf } from "../tests/support/process/arguments.ts";
import { AifaceDevice, IclockDevice } from "../tests/support/fakes/devices.ts";
import { Cloud, MODEL } from "./demo_cloud/cloud.ts";
import { pastPunches, PEOPLE, wallClock } from "./demo_past/office.ts";
import { writePast } from "./demo_past/past.ts";
import { ALLOWANCE, GAMES } from "./demo_past/play.ts";
import { PROJECTS } from "./demo_past/work.ts";

const USAGE = `Runs the agent with everything it can be connected to, all of it pretended.

  deno task demo [port of its API, default 3841]

Its cloud is ${MODEL}.
Enter pulls the plug of the cloud and puts it back. Ctrl-C ends it.`;

const [apiPort = 0] = argumentsOf(USAGE, (args) => numbersOf(args, { "the port": 3841 }));
const SYSTEM = "demo-pc";
const DEVICES = ["DEMO-AIFACE", "DEMO-ICLOCK"] as const;

const stop = new AbortController();
const { signal } = stop;
Deno.addSignalListener("SIGINT", () => stop.abort());
Deno.addSignalListener("SIGTERM", () => stop.abort());

console.log(`Starting ${MODEL} …`);
await using cloud = await Cloud.start();
// Another client could write there before the agent's first sign-in, and a system that has rows cannot be claimed.
await cloud.sql("INSERT INTO system_members (system_id, user_id) SELECT $1, id FROM auth.users", [
  SYSTEM,
]);
const dir = await Deno.makeTempDir({ prefix: "clockblock-demo-" });
const attendancePort = freePort();
await Deno.writeTextFile(
  `${dir}/config.json`,
  JSON.stringify({
    device_id: SYSTEM,
    api_port: apiPort,
    poll_interval_sec: 2,
    sync_interval_sec: 10,
    daily_allowance_min: ALLOWANCE,
    process_name: GAMES.map(({ label, process_name }) => ({ image: process_name, label })),
    log_level: "warning",
    // Whatever the hour, a newcomer sees them arrive.
    events: { flush: { active_sec: 5, offhours_sec: 5 } },
    supabase: {
      url: cloud.url,
      key: cloud.key,
      ...cloud.user,
    },
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: attendancePort,
      devices: [{ sn: DEVICES[0], name: "front door" }, { sn: DEVICES[1], name: "workshop" }],
    },
  }),
);
const config = loadConfig({ path: `${dir}/config.json`, cwd: dir });
const present = { now: systemClock.now(), timeZone: localTimeZone() };
await writePast(config, { ...present, deviceId: SYSTEM, tokenPath: `${dir}/api-token` });
// Edited there while this machine was off: the first sync finds that both sides have changed it.
await cloud.sql(
  "INSERT INTO projects (id, system_id, name, status) VALUES ('p0', $1, $2, 'on hold')",
  [SYSTEM, PROJECTS[0]],
);

const switchServer = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {}, signal },
  (request) => {
    if (request.method === "POST") flip();
    return Response.json({ plugged: cloud.plug.plugged });
  },
);
const switchUrl = `http://127.0.0.1:${switchServer.addr.port}/`;
const listening = Promise.withResolvers<string>();
const agent = runAgent(config, {
  signal,
  lister: () => Promise.resolve(gameRuns() ? [{ image: GAMES[0].process_name }] : []),
  onListening: (url) => listening.resolve(url),
});
// An agent that cannot start ends the demo with its reason.
const api = await Promise.race([listening.promise, agent.then(() => "")]);
const token = (await Deno.readTextFile(`${dir}/api-token`)).trim();
console.log(`
  Dashboard   ${api}
  Cloud       ${cloud.url}, ${MODEL}
  Plug        Enter, or: curl -X POST ${switchUrl}
  End         Ctrl-C
`);

const door = new AifaceDevice({ port: attendancePort, sn: DEVICES[0], batch: 200 });
const workshop = new IclockDevice({ port: attendancePort, sn: DEVICES[1] });
const past = pastPunches(present);
door.punch(...past);
const inside = new Set<number>();
for (const { enrollid, inout } of past) stepped(Number(enrollid), inout === 0);
const deviceTime = wallClock(present.timeZone);
let person = 0;
const loops = [
  door.run(signal),
  workshop.run(signal),
  loop(5, () => {
    const time = deviceTime(systemClock.now());
    const enrollid = ++person % PEOPLE.length + 1;
    const enters = !inside.has(enrollid);
    stepped(enrollid, enters);
    if (person % 2 === 0) door.punch({ enrollid, time, mode: 8, inout: enters ? 0 : 1, event: 0 });
    else workshop.punch(`${enrollid}\t${time}\t${enters ? 0 : 1}\t1\t0`);
  }),
  loop(3, () =>
    send("POST", "/local/events", {
      mode: "paper",
      source: "demo",
      type: "order",
      subtype: Math.random() < 0.1 ? "BUY_FILLED" : "QUOTE",
      symbol: "ABC",
      body: `price ${(100 + Math.random()).toFixed(2)}`,
    })),
  loop(7, async () => {
    const n = Math.floor(Math.random() * PROJECTS.length);
    await send("PUT", `/records/projects/p${n}`, {
      name: PROJECTS[n],
      status: `edited here at ${clockTime()}`,
    });
  }),
  loop(11, async () => {
    const n = Math.floor(Math.random() * PROJECTS.length);
    await cloud.sql(
      `INSERT INTO projects (id, system_id, name, status) VALUES ($1, $2, $3, $4)
       ON CONFLICT ON CONSTRAINT projects_pkey DO UPDATE SET status = excluded.status, updated_at = now()`,
      [`p${n}`, SYSTEM, PROJECTS[n], `edited in the cloud at ${clockTime()}`],
    );
  }),
  loop(10, report),
];
if (Deno.stdin.isTerminal()) void flipOnEnter();

await agent;
await Promise.all([...loops, switchServer.finished]);
await Deno.remove(dir, { recursive: true });
// The terminal may still be read from.
setTimeout(() => Deno.exit(0), 0);

function flip(): void {
  if (cloud.plug.plugged) cloud.plug.pull();
  else cloud.plug.push();
  console.log(cloud.plug.plugged ? "The cloud is plugged in" : "The cloud is unplugged");
}

async function flipOnEnter(): Promise<void> {
  for await (const _ of Deno.stdin.readable) flip();
}

function stepped(enrollid: number, enters: boolean): void {
  if (enters) inside.add(enrollid);
  else inside.delete(enrollid);
}

/** What has arrived, and what waits. */
async function report(): Promise<void> {
  const counts = await cloud.sql<Record<string, number>>(
    `SELECT (SELECT count(*) FROM heartbeats)::int AS heartbeats, (SELECT count(*) FROM zoe_events)::int AS events,
       (SELECT count(*) FROM punches)::int AS punches, (SELECT count(*) FROM projects)::int AS projects`,
  );
  const { lanes } = await (await fetch(`${api}/sync/status`)).json() as {
    lanes: { rows_waiting: number }[];
  };
  const waiting = lanes.reduce((sum, { rows_waiting }) => sum + rows_waiting, 0);
  const there = Object.entries(counts[0]!).map(([name, count]) => `${count} ${name}`).join(", ");
  console.log(`${clockTime()}  in the cloud: ${there} · waiting here: ${waiting}`);
}

async function send(method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${api}${path}`, {
    method,
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    signal,
  });
  await response.body?.cancel();
}

function loop(sec: number, work: () => void | Promise<void>): Promise<void> {
  return every(sec * 1_000, work, { signal, name: "demo", later: true, onError: () => {} });
}

/** Half a minute of play, half a minute of rest. */
function gameRuns(): boolean {
  return systemClock.now() % 60_000 < 30_000;
}

function clockTime(): string {
  return new Date().toTimeString().slice(0, 8);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
