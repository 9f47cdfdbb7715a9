/**
 * A machine's night with everything in it that a database holds: play before and after a sleep, events, punches,
 * records, some of them edited in the cloud as well, rows that are in the cloud, rows that wait for it and one that
 * it refused.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { type Agent, openAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/mod.ts";
import { IclockDevice } from "../support/fakes/devices.ts";
import { FakeClock, settled } from "../support/fakes/fake_clock.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { asked } from "./asked.ts";
import { shareRecords } from "./shared_records.ts";

const GAME = "Minecraft.exe";
const BEGINS = "2026-03-06T22:30:00.000Z";
const POLL_MS = 120_000;

/** The agent's settings; a version of the future has to understand them too. */
export const CONFIG = {
  api_port: 0,
  process_name: GAME,
  poll_interval_sec: POLL_MS / 1_000,
  daily_allowance_min: { fri: 60, sat: 30 },
  time_zone: "Asia/Kolkata",
  attendance: {
    enabled: true,
    host: "127.0.0.1",
    port: 0,
    time_zone: "Asia/Kolkata",
    devices: [{ sn: "DEV1", name: "Front door" }],
  },
} as const;

/** Lives the night in `dir`; returns when it ended. */
export async function liveANight(dir: string): Promise<number> {
  await using cloud = await FaultyServer.start();
  const endpoint_url = cloud.url;
  const clock = new FakeClock(BEGINS);
  await shareRecords(dir, { clock, config: CONFIG });
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify({
      ...CONFIG,
      endpoint_url,
      events: { endpoint_url },
      attendance: { ...CONFIG.attendance, endpoint_url },
    }),
  );
  let game: string | null = null;
  const lister = () => Promise.resolve([{ image: game ?? "init" }]);
  const agent = await openAgent(loadConfig({ cwd: dir }), { clock, lister });
  const stop = new AbortController();
  const running = agent.run({ signal: stop.signal });
  const token = (await Deno.readTextFile(`${dir}/api-token`)).trim();
  const write = (method: string, path: string, json: unknown) =>
    asked(agent, path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(json),
    });
  const polls = async (count: number, name: string | null) => {
    game = name;
    for (let poll = 0; poll < count; poll++) {
      // What looks every second or two need not do so a thousand times.
      await clock.sleep(POLL_MS - 4_000);
      await clock.advance(4_000);
    }
  };

  await polls(10, null);
  await polls(30, GAME);
  const { accepted } = await write("POST", "/local/events", events("paper", 8)) as {
    accepted: { id: string }[];
  };
  cloud.poison.set(accepted[5]!.id, { status: 400, body: { code: "22P02", message: "no" } });
  await write("POST", "/allowance/grants", { extra_min: 15, date: "2026-03-06", reason: "rainy" });
  await write("PUT", "/local/state?mode=paper", { cash: 100.25, positions: [] });
  const doors = await devices(agent);
  await doors.known.handshake();
  await doors.known.post("ATTLOG", "7\t2026-03-07 04:01:00\t0\t15\n8\t2026-03-07 04:02:00\t1\t1");
  await doors.known.post(
    "OPERLOG",
    "OPLOG 4\t7\t2026-03-07 04:03:00\t0\t0\t0\t0\nUSER PIN=7\tName=ANN",
  );
  await write("POST", "/devices/DEV1/commands", { command: "restart" });
  await write("POST", "/punches/corrections", {
    kind: "add",
    person_id: "7",
    at: "2026-03-07 03:00",
    reason: "forgot",
    by: "Ann",
  });
  await write("PUT", "/people/7", { name: "Ann Smith", department: "Sales", aliases: ["107"] });
  await doors.stranger.handshake();
  await agent.sync.now();

  // What follows waits for the cloud.
  cloud.nextFault = () => ({ kind: "status", status: 503 });
  await clock.sleep(6 * 3_600_000 + 7_000);
  await polls(25, GAME);
  await polls(5, null);
  await write("POST", "/local/events", events("paper", 4, 8));
  await write("POST", "/local/events", events("live", 3));
  await write("PUT", "/local/state?mode=paper", { cash: 12.5, positions: ["BTC"] });
  await doors.known.post("ATTLOG", "7\t2026-03-07 11:00:00\t1\t15\nnobody\tnever\t0\t0");
  await write("PUT", "/records/projects/p1", { name: "Garden", status: "open", data: { n: 1.5 } });
  await write("PUT", "/records/projects/p2", { name: "Gone" });
  await write("PATCH", "/records/projects/p1", { status: "done" });
  await write("DELETE", "/records/projects/p2", undefined);
  await write("PUT", "/records/tasks/t1", { project_id: "p1", name: "Water “beans” 🌱" });
  await settled();
  stop.abort();
  await running;
  agent.close();
  leaveUndecided(dir);
  return clock.now();
}

/** The agent ended before it had decided somebody's directions again: nothing else in a night leaves that behind. */
function leaveUndecided(dir: string): void {
  const db = new DatabaseSync(`${dir}/clockblock.db`);
  db.exec("INSERT INTO direction_queue (person_id, since, until) VALUES ('7', '', '9999')");
  db.close();
}

function events(mode: string, count: number, from = 0): object[] {
  return Array.from({ length: count }, (_, n) => ({
    mode,
    source: "bot-1",
    type: "ORDER",
    subtype: "QUOTE",
    symbol: "BTC-USD",
    body: `${mode} ${from + n}: it's "quoted"`,
    meta: { n: from + n, price: 60_118.5 },
    idempotency_key: `${mode}-${from + n}`,
  }));
}

/** A device that is let in, and one that waits for approval. */
async function devices(agent: Agent): Promise<{ known: IclockDevice; stranger: IclockDevice }> {
  for (;;) {
    const { attendance } = await asked(agent, "/status") as {
      attendance: { listening: string | null };
    };
    const port = Number(/:(\d+)$/.exec(attendance.listening ?? "")?.[1]);
    if (port > 0) {
      return {
        known: new IclockDevice({ port, sn: "DEV1" }),
        stranger: new IclockDevice({ port, sn: "STRANGER" }),
      };
    }
    await settled();
  }
}
