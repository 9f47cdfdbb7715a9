/**
 * A machine with a past that the cloud has too: a real agent that has played, taken events and punches, and synced.
 * @module
 */
import { systemClock } from "../../../src/core/mod.ts";
import { migrations } from "../../../src/streams/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { AifaceDevice } from "../fakes/devices.ts";
import type { Cloud } from "../servers/cloud.ts";
import { removeFolder } from "../temp.ts";
import { until } from "../until.ts";
import { type AgentProcess, startAgent } from "../process/agent_process.ts";
import { eveningZone, listeningPort } from "./household.ts";

const DEVICE_ID = "pc-1";
const POLL_MS = 5_000;
const DAY_MS = 86_400_000;

/** What it did. */
export interface MachinePast {
  deviceId: string;
  /** The zone in which the day is nearly over. */
  timeZone: string;
  /** Its day there, and when that began. */
  today: string;
  todayMs: number;
  /** Played spans of that day, oldest first. */
  played: readonly (readonly [fromMs: number, toMs: number])[];
  minutesToday: number;
  /** Minutes by UTC day, of days that are over. */
  minutes: Readonly<Record<string, number>>;
  allowanceMin: number;
  /** Persons who punched, the newest first. */
  people: readonly string[];
  /** The newest `seq` by mode. */
  modes: Readonly<Record<string, number>>;
}

export interface SyncedMachine extends AsyncDisposable {
  readonly past: MachinePast;
  readonly agent: AgentProcess;
  /** Sends events as an application does; returns the last `seq`. */
  send(...events: readonly Readonly<Record<string, unknown>>[]): Promise<number>;
  /** Starts it again, at the same address, after it was killed. */
  restart(): Promise<void>;
}

/** @param options `config`: what the agent is configured with besides */
export async function syncedMachine(
  cloud: Cloud,
  { config = {} }: { config?: Readonly<Record<string, unknown>> } = {},
): Promise<SyncedMachine> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-synced-" });
  const now = Date.now();
  const { timeZone, midnight } = eveningZone(now);
  const hour = 3_600_000;
  const played = [
    [midnight + 8 * hour, midnight + 8 * hour + 20 * 60_000],
    [midnight + 15 * hour, midnight + 15 * hour + 30 * 60_000],
  ] as const;
  // Days that are over in every zone.
  const over = [3, 5].map((days) => Math.floor(now / DAY_MS - days) * DAY_MS);
  const earlier = over.map((day, index) =>
    [day + 10 * hour, day + 10 * hour + (index + 1) * 10 * 60_000] as const
  );
  await furnish(`${dir}/clockblock.db`, [...played, ...earlier]);
  const settings = {
    device_id: DEVICE_ID,
    process_name: "no-such-game",
    time_zone: timeZone,
    daily_allowance_min: 120,
    supabase: { url: cloud.url, key: cloud.key, email: cloud.alice.email, realtime: false },
    events: { modes: ["live"], flush: { active_sec: 1, offhours_sec: 1 } },
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: "UTC",
      devices: [{ sn: "AYSK1001", name: "Front door" }],
    },
    ...config,
  };
  const env = { CLOCKBLOCK_SUPABASE__PASSWORD: cloud.alice.password };
  let agent = await startAgent({ dir, env, config: settings });
  const port = Number(new URL(agent.url).port);
  const write = async (path: string, json?: unknown) => {
    const response = await fetch(agent.url + path, {
      method: "POST",
      headers: {
        "authorization": `Bearer ${await agent.token()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(json ?? {}),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return await response.json();
  };
  const send = async (...events: readonly Readonly<Record<string, unknown>>[]) => {
    const { accepted } = await write("/local/events", events);
    return accepted.at(-1).seq as number;
  };

  const stop = new AbortController();
  const door = new AifaceDevice({ port: await listeningPort(agent), sn: "AYSK1001" });
  const running = door.run(stop.signal);
  const people = ["3", "2", "1"];
  const wall = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  for (const [index, enrollid] of [...people].reverse().entries()) {
    door.punch({ enrollid, time: wall(now - (4 - index) * 600_000) });
  }
  const note = { mode: "live", source: "bot", type: "LOG", subtype: "NOTE" };
  const seq = await send(...[1, 2, 3].map((index) => ({ ...note, body: `event ${index}` })));
  const rows = [...played, ...earlier].reduce((sum, [from, to]) => sum + (to - from) / POLL_MS, 0);
  await until(() => door.waiting === 0, "acknowledged punches");
  stop.abort();
  await running;
  await write("/sync/now");
  await until(async () => {
    const [synced] = await cloud.sql<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM heartbeats WHERE is_playing) AS heartbeats,
         (SELECT count(*)::int FROM punches) AS punches, (SELECT count(*)::int FROM devices) AS devices,
         (SELECT max(seq)::int FROM zoe_events WHERE mode = 'live') AS seq`,
    );
    const { heartbeats, punches, devices } = synced!;
    return heartbeats === rows && punches === people.length && devices === 1 && synced!.seq === seq;
  }, "everything in the cloud");

  return {
    past: {
      deviceId: DEVICE_ID,
      timeZone,
      today: new Date(midnight + 12 * hour).toISOString().slice(0, 10),
      todayMs: midnight,
      played,
      minutesToday: 50,
      minutes: Object.fromEntries(
        over.map((day, index) => [new Date(day).toISOString().slice(0, 10), (index + 1) * 10]),
      ),
      allowanceMin: 120,
      people,
      modes: { live: seq },
    },
    get agent() {
      return agent;
    },
    send,
    async restart() {
      agent = await startAgent({ dir, env, config: { ...settings, api_port: port } });
    },
    async [Symbol.asyncDispose]() {
      await agent.kill();
      removeFolder(dir);
    },
  };
}

/** Heartbeats of the spans, and the quarters of an hour and days that they make. */
async function furnish(
  path: string,
  spans: readonly (readonly [fromMs: number, toMs: number])[],
): Promise<void> {
  const store = new Store(path, { migrations, clock: systemClock });
  await store.write(() => {
    const heartbeat = store.db.prepare(
      `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name)
       VALUES (?, ?, ?, 1, ?, 'Game.exe')`,
    );
    const slots = new Map<string, number>();
    for (const [from, to] of spans) {
      for (let ms = from; ms < to; ms += POLL_MS) {
        heartbeat.run(crypto.randomUUID(), DEVICE_ID, new Date(ms).toISOString(), POLL_MS / 1_000);
        const slot = new Date(ms - ms % 900_000).toISOString();
        slots.set(slot, (slots.get(slot) ?? 0) + POLL_MS / 60_000);
      }
    }
    const slot = store.db.prepare(
      "INSERT INTO usage_slots (device_id, slot_utc, minutes_used) VALUES (?, ?, ?)",
    );
    const days = new Map<string, number>();
    for (const [at, minutes] of slots) {
      slot.run(DEVICE_ID, at, minutes);
      const date = at.slice(0, 10);
      days.set(date, (days.get(date) ?? 0) + minutes);
    }
    const rollup = store.db.prepare(
      `INSERT INTO daily_rollups (device_id, date_utc, minutes_used, minutes_overdraft, last_heartbeat_at, updated_at)
       VALUES (?1, ?2, ?3, 0, ?4, ?4)`,
    );
    for (const [date, minutes] of days) {
      rollup.run(DEVICE_ID, date, minutes, `${date}T23:00:00.000Z`);
    }
  });
  store.close();
}
