/**
 * Breaking files on purpose, and a database with a past that is worth breaking.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { type Agent, openAgent } from "../../../src/agent.ts";
import { type Config, loadConfig } from "../../../src/config/mod.ts";
import { instantOf, Warnings } from "../../../src/core/mod.ts";
import { backupTo } from "../../../src/store/mod.ts";
import { FakeClock } from "./fake_clock.ts";
import { until } from "../until.ts";

/** Writes bytes over a file's own. */
export function overwrite(path: string, at: number, bytes: Uint8Array<ArrayBuffer>): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at, Deno.SeekMode.Start);
  file.writeSync(bytes);
}

/** Turns some bits of a file over. */
export function flipBits(path: string, bits: readonly number[]): void {
  const bytes = Deno.readFileSync(path);
  for (const bit of bits) bytes[bit >> 3]! ^= 1 << (bit & 7);
  Deno.writeFileSync(path, bytes);
}

/** Moves the log into the database, so that nothing but the database has the pages to be broken. */
export function flush(path: string): void {
  const db = new DatabaseSync(path);
  db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  db.close();
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const POLL_MS = 5_000;
const DAY_MS = 86_400_000;

/** What is in a database, by table: the ids of its rows. */
export type Contents = Readonly<Record<string, ReadonlySet<string>>>;

/** The ids of what may not get lost; some of them as they stand in an outbox's row or a day's. */
const IDS: Readonly<Record<string, string>> = {
  heartbeats: "seq || ' ' || id || ' ' || timestamp_utc || ' ' || is_playing",
  local_events: "mode || ' ' || seq || ' ' || idempotency_key || ' ' || body",
  device_logs: "id || ' ' || device_time",
  records: "table_name || ' ' || record_id || ' ' || data",
  sync_queue: "id || ' ' || operation || ' ' || record_id",
  daily_rollups: "date_utc || ' ' || minutes_used",
  usage_slots: "slot_utc || ' ' || minutes_used",
  game_slots: "slot_utc || ' ' || label || ' ' || minutes_used",
  devices: "sn || ' ' || name",
};

export function contentsOf({ store }: { store: { db: Pick<DatabaseSync, "prepare"> } }): Contents {
  return Object.fromEntries(
    Object.entries(IDS).map(([table, id]) => [
      table,
      new Set(store.db.prepare(`SELECT ${id} AS id FROM ${table}`).all().map(({ id }) => `${id}`)),
    ]),
  );
}

export interface LivedIn {
  config: Config;
  clock: FakeClock;
  /** What the backup has, and what the database had in the end. */
  backedUp: Contents;
  all: Contents;
  /** The newest number of an event. */
  lastSeq: number;
}

/**
 * Makes a database with some days of everything in a folder, a backup of its middle, and the last part still in
 * the write-ahead log, as a killed agent leaves it.
 */
export async function liveIn(
  dir: string,
  { polls = 1_500, from = Date.parse("2026-03-04T09:00:00.000Z") } = {},
): Promise<LivedIn> {
  const config = configIn(dir);
  const clock = new FakeClock(from);
  let playing = false;
  const lister = () => Promise.resolve(playing ? [{ image: "Game.exe" }] : []);
  const agent = await openAgent(config, { clock, lister, warnings: new Warnings() });
  const token = Deno.readTextFileSync(`${dir}/api-token`).trim();
  const call = async (method: string, path: string, body: unknown) => {
    const response = await agent.fetch(
      new Request(`http://127.0.0.1:3841${path}`, {
        method,
        headers: {
          host: "127.0.0.1:3841",
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      }),
    );
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    }
    await response.body?.cancel();
  };
  let events = 0;
  const live = async (first: number) => {
    for (let n = first; n < first + polls; n++) {
      clock.set(clock.now() + POLL_MS);
      playing = n % 400 < 250;
      await agent.pollOnce();
      if (n % 30 !== 0) continue;
      await call(
        "POST",
        "/local/events",
        Array.from({ length: 10 }, () => ({
          mode: "live",
          source: "engine",
          type: "order",
          subtype: "FILLED",
          body: `order ${++events} `.padEnd(
            30 + events % 7 * (events % 50 === 0 ? 2_000 : 20),
            "x",
          ),
          idempotency_key: `order-${events}`,
        })),
      );
      await call("PUT", `/records/tasks/task-${n % 900}`, { title: `Task of ${n}` });
      await agent.store.write(() => punch(agent, { n, at: clock.now() }));
    }
  };
  await live(0);
  Deno.mkdirSync(`${dir}/backups`);
  const backup = `${dir}/backups/clockblock-${instantOf(from).slice(0, 10)}.db`;
  await backupTo(agent.store, backup, { clock });
  const made = new Date(clock.now());
  Deno.utimeSync(backup, made, made);
  const backedUp = contentsOf(agent);
  clock.set(clock.now() + DAY_MS / 2);
  // A log of the second part alone, and not the space that the first part took.
  agent.store.db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  await live(polls);
  const all = contentsOf(agent);
  // As it lies there at this moment, with the log that closing would take away.
  for (const suffix of ["", "-wal"]) {
    Deno.copyFileSync(`${config.db_path}${suffix}`, `${dir}/as-it-was${suffix}`);
  }
  agent.close();
  for (const suffix of ["", "-wal"]) {
    const target = `${config.db_path}${suffix}`;
    await until(() => moved(`${dir}/as-it-was${suffix}`, target), "the database to be let go of");
  }
  return { config, clock, backedUp, all, lastSeq: events };
}

/** Whether it could be moved: on Windows not before the worker that had the target open is gone. */
function moved(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
    return false;
  }
}

/** The configuration of an agent that works in a folder. */
export function configIn(dir: string): Config {
  return loadConfig({
    cwd: dir,
    flags: new Map([["device_id", "pc"], ["process_name", "Game.exe"], ["time_zone", "UTC"]]),
  });
}

function punch({ store }: Agent, { n, at }: { n: number; at: number }): void {
  const time = instantOf(at);
  store.db.prepare(
    `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at, raw)
     VALUES (?, 'AYSK1001', ?, ?, 'UTC', ?, ?, '{}')`,
  ).run(`punch-${n}`, `${n % 40}`, time.slice(0, 19).replace("T", " "), time, time);
}
