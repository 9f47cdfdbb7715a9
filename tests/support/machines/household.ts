/**
 * An agent that has been at work for a month: a process on a database with play, conflicts and refused rows in it,
 * a game, two attendance devices, and a cloud that can be broken.
 * @module
 */
import { migrations } from "../../../src/streams/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { systemClock } from "../../../src/core/mod.ts";
import { type AgentProcess, startAgent } from "../process/agent_process.ts";
import { AifaceDevice } from "../fakes/devices.ts";
import { type FakeGame, startFakeGame } from "../fakes/fake_game.ts";
import { FaultyServer } from "../servers/faulty_server.ts";
import { removeFolder } from "../temp.ts";
import { until } from "../until.ts";

const DEVICE_ID = "family-pc";
const POLL_MS = 5_000;
const DAY_MS = 86_400_000;
const ALLOWANCE_MIN = 120;
/** Heartbeats of a day that is over, at a poll every 5 s. */
export const FULL_DAY = 17_280;

/** Text that would do something in a page that does not take it as text. */
export const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>"'&`;

export interface Household extends AsyncDisposable {
  agent: AgentProcess;
  readonly cloud: FaultyServer;
  /** A device that is let in, and one that waits for approval. */
  readonly door: AifaceDevice;
  readonly stranger: AifaceDevice;
  /** Where devices call. */
  readonly devicesPort: number;
  /** The zone in which it is evening. */
  readonly timeZone: string;
  /** The name of the game's program. */
  readonly game: string;
  play(): Promise<FakeGame>;
  /** Sends events as an application does. */
  send(...events: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  /** A write of a program that has the token. */
  write(path: string, init: { method: string; json: unknown }): Promise<unknown>;
  /** Starts it again, at the same address, after it was killed. */
  restart(): Promise<void>;
}

export async function household(
  { heartbeats = FULL_DAY, strange = HOSTILE, eventsToCloud = false, game = `Game${Deno.pid}.exe` }:
    {
      heartbeats?: number;
      /** Stands where the cloud or a device may have written anything. */
      strange?: string;
      /** Whether events go to the cloud too, and not play time alone. */
      eventsToCloud?: boolean;
      /** Of a name of its own, because every agent on this machine sees every game. */
      game?: string;
    } = {},
): Promise<Household> {
  const dir = await Deno.makeTempDir({ prefix: "clockblock-household-" });
  const cloud = await FaultyServer.start();
  const now = Date.now();
  const { timeZone, midnight } = eveningZone(now);
  await furnish(`${dir}/clockblock.db`, { now, midnight, heartbeats, strange, game });
  const settings = {
    device_id: DEVICE_ID,
    process_name: game,
    poll_interval_sec: 1,
    sync_interval_sec: 3_600,
    endpoint_url: cloud.url,
    daily_allowance_min: ALLOWANCE_MIN,
    time_zone: timeZone,
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: timeZone,
      devices: [{ sn: "AYSK1001", name: "Front door" }],
    },
    ...(eventsToCloud ? { events: { endpoint_url: `${cloud.url}/events` } } : {}),
  };
  let agent = await startAgent({ dir, config: settings });
  const firstPort = Number(new URL(agent.url).port);
  const port = await listeningPort(agent);
  const stop = new AbortController();
  const door = new AifaceDevice({ port, sn: "AYSK1001" });
  const stranger = new AifaceDevice({ port, sn: "AYSK2002", patienceMs: 500 });
  const running = [door.run(stop.signal), stranger.run(stop.signal)];
  await until(() => door.registrations > 0 && stranger.refusals > 0, "both devices");

  const write = async (path: string, { method, json }: { method: string; json: unknown }) => {
    const response = await fetch(agent.url + path, {
      method,
      headers: {
        "authorization": `Bearer ${await agent.token()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(json),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return await response.json();
  };
  return {
    get agent() {
      return agent;
    },
    cloud,
    door,
    stranger,
    devicesPort: port,
    timeZone,
    game,
    play: () => startFakeGame(game),
    send: async (...events) => void await write("/local/events", { method: "POST", json: events }),
    write,
    async restart() {
      agent = await startAgent({ dir, config: { ...settings, api_port: firstPort } });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await agent.kill();
      await Promise.all(running);
      await cloud[Symbol.asyncDispose]();
      removeFolder(dir);
    },
  };
}

/** Punches of a day at work so far, as the device's clock shows them. */
export function workday(
  timeZone: string,
): { enrollid: string; name: string; time: string; inout: number }[] {
  const people = [
    "Ada Brandt",
    "Bo Lindqvist",
    "Chen Wei",
    "Dina Haddad",
    "Emeka Obi",
    "Farah Aziz",
  ];
  const { midnight } = eveningZone(Date.now());
  const wall = (ms: number) =>
    new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" }).format(
      ms,
    );
  return people.flatMap((name, index) => {
    const arrived = midnight + (7.6 + index * 0.23) * 3_600_000;
    const left = midnight + (16.1 + index * 0.41) * 3_600_000;
    const person = { enrollid: `${index + 1}`, name };
    const come = { ...person, time: wall(arrived), inout: 0 };
    return index > 3 ? [come] : [come, { ...person, time: wall(left), inout: 1 }];
  });
}

/** Events of an application's quiet hour. */
export function quietHour(count: number): Record<string, unknown>[] {
  const kinds = [
    ["ORDER", "BUY_PLACED", "info", "Bought 0.25 BTC-USD at 60 120.50, waiting to be filled"],
    ["ORDER", "BUY_FILLED", "success", "Filled 0.25 BTC-USD at 60 118.00"],
    ["RISK", "EXPOSURE", "debug", "Exposure 12.4 % of the account"],
    ["DATA", "LATE_TICK", "warning", "No tick for 4.2 s, using the last price"],
    ["ORDER", "SELL_REJECTED", "error", "The exchange refused: insufficient balance"],
    ["HEALTH", "HEARTBEAT", "info", "All strategies are running"],
  ] as const;
  return Array.from({ length: count }, (_, index) => {
    const [type, subtype, severity, body] = kinds[index * 7 % kinds.length]!;
    const symbol = type === "ORDER" ? "BTC-USD" : null;
    return {
      mode: "live",
      source: "bot-1",
      type,
      subtype,
      severity,
      body,
      symbol,
      meta: { index },
    };
  });
}

/** A zone in which the day is nearly over: there is a whole day to show whenever the tests run. */
export function eveningZone(now: number): { timeZone: string; midnight: number } {
  const hour = new Date(now).getUTCHours();
  const ahead = 21 - hour;
  const offset = ahead > 12 ? ahead - 24 : ahead;
  const timeZone = offset === 0 ? "UTC" : `Etc/GMT${offset > 0 ? "-" : "+"}${Math.abs(offset)}`;
  const local = now + offset * 3_600_000;
  return { timeZone, midnight: local - local % DAY_MS - offset * 3_600_000 };
}

async function furnish(
  path: string,
  { now, midnight, heartbeats, strange, game }: {
    now: number;
    midnight: number;
    heartbeats: number;
    strange: string;
    game: string;
  },
): Promise<void> {
  const store = new Store(path, { migrations, clock: systemClock });
  const at = new Date(now).toISOString();
  await store.write(() => {
    const { db } = store;
    const usage = db.prepare(
      "INSERT INTO usage_slots (device_id, slot_utc, minutes_used) VALUES (?, ?, ?)",
    );
    const ofGame = db.prepare(
      `INSERT INTO game_slots (device_id, slot_utc, label, process_name, minutes_used)
       VALUES (?, ?, ?, ?, ?)`,
    );
    const played = (slot: string, minutes: number) => {
      usage.run(DEVICE_ID, slot, minutes);
      ofGame.run(DEVICE_ID, slot, game, game, minutes);
    };
    for (let day = 1; day <= 89; day++) {
      for (let quarter = 0; quarter < 96; quarter++) {
        const ms = midnight - day * DAY_MS + quarter * 900_000;
        const minutes = minutesAt(ms, midnight);
        if (minutes > 0) played(new Date(ms - ms % 900_000).toISOString(), minutes);
      }
    }
    const today = new Map<string, number>();
    const heartbeat = db.prepare(
      `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name, synced_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    const step = heartbeats > 0 ? (now - 10_000 - midnight) / heartbeats : 0;
    for (let index = 0; index < heartbeats; index++) {
      const ms = Math.round(midnight + index * step);
      const hours = (ms - midnight) / 3_600_000;
      const playing = (hours > 7 && hours < 7.4) || (hours > 15.2 && hours < 16.1) ||
        (hours > 18.9 && hours < 19.3);
      heartbeat.run(
        `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
        DEVICE_ID,
        new Date(ms).toISOString(),
        playing ? 1 : 0,
        POLL_MS / 1_000,
        playing ? game : null,
        at,
      );
      const key = new Date(ms - ms % 900_000).toISOString();
      if (playing) today.set(key, (today.get(key) ?? 0) + step / 60_000);
    }
    for (const [key, minutes] of today) played(key, Math.min(15, minutes));

    const conflict = db.prepare(
      `INSERT INTO sync_conflicts (at, table_name, record_id, kind, winner, local_updated_at,
         remote_updated_at, local_data, remote_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const hourAgo = new Date(now - 3_600_000).toISOString();
    const both = (title: string, state: string) =>
      JSON.stringify({ id: "t-17", system_id: DEVICE_ID, title, state, updated_at: hourAgo });
    conflict.run(
      hourAgo,
      "tasks",
      "t-17",
      "edit/edit",
      "remote",
      hourAgo,
      at,
      both("Water the tomatoes", "open"),
      both("Water the tomatoes and beans", "done"),
    );
    conflict.run(
      at,
      "projects",
      strange,
      "delete/edit",
      "local",
      at,
      hourAgo,
      JSON.stringify({ id: strange, name: strange, deleted_at: at }),
      JSON.stringify({ id: strange, name: "Garden" }),
    );
    db.prepare(
      `INSERT INTO sync_rejected (stream, table_name, row_id, payload, status, code, message, attempts, first_at, last_at)
       VALUES ('attendance', 'punches', 'p-1', ?, 400, '22007', ?, 3, ?, ?)`,
    ).run(
      JSON.stringify({ id: "p-1", person_id: strange }),
      'invalid input syntax for type timestamp: "2026-02-30 08:14:00"',
      hourAgo,
      at,
    );
  });
  store.close();
}

/** How long was played in a quarter of an hour: after school, longer at weekends, never the same. */
function minutesAt(ms: number, midnight: number): number {
  const day = Math.floor((ms - midnight) / DAY_MS);
  const hour = ((ms - midnight) % DAY_MS + DAY_MS) % DAY_MS / 3_600_000;
  const weekday = (new Date(ms).getUTCDay() + 6) % 7;
  const noise = (Math.abs(Math.sin(day * 12.9898) * 43758.5453)) % 1;
  const length = weekday >= 5 ? 1.2 + noise * 2.2 : noise * 2.4 - 0.2;
  const begin = weekday >= 5 ? 10 + noise * 3 : 15.5 + noise * 2;
  return hour >= begin && hour < begin + length ? 15 : 0;
}

/** Where attendance devices call, once it is open. */
export async function listeningPort(agent: AgentProcess): Promise<number> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const { attendance } = await (await fetch(`${agent.url}/status`)).json();
    if (attendance.listening) return Number(attendance.listening.split(":").at(-1));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("Waited in vain for the devices' listener");
}
