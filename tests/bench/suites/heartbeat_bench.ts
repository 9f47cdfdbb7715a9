/** What a heartbeat costs: to write, on the disk, and when there are ten times as many. @module */
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { instantOf } from "../../../src/core/mod.ts";
import { migrations } from "../../../src/agent.ts";
import { Store } from "../../../src/store/mod.ts";
import { createPlaytime, type PlaytimeStream } from "../../../src/streams/playtime/mod.ts";
import { defaultConfig } from "../../support/default_config.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempDir } from "../../support/temp.ts";
import { makeBacklog } from "../load/backlog.ts";
import { type BenchRow, type Pair, pairedRow, type Suite } from "../row.ts";

const LOOKS = 3_000;
const SIZED_ROWS = 200_000;
const ONLINE_ROWS = 12_000;
/** Looks in five minutes. */
const SYNCED_EVERY = 60;
const BARE_TABLE =
  "bare table of the same values, with the one key that outbox and API need: the order of arrival";

export const heartbeatBench: Suite = {
  name: "heartbeat",
  async run({ rounds }) {
    return [await insertRow(rounds), ...await sizes(), await growth(rounds)];
  },
};

async function insertRow(rounds: number): Promise<BenchRow> {
  const pairs: Pair<number>[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    const raw = rawInserts(`${dir.path}/raw.db`);
    pairs.push({ ours: (await looks(`${dir.path}/ours.db`)).rate, raw });
  }
  return pairedRow(pairs, (rate) => rate, {
    name: "look, heartbeat, day and slot, one after the other",
    unit: "/s",
    beside: "the same three statements in raw transactions",
  });
}

/** A look every turn of the event loop at a list of processes that is already there. */
async function looks(path: string): Promise<{ rate: number; cpuUs: number }> {
  const { store, stream } = await open(path);
  for (let i = 0; i < 200; i++) await stream.pollOnce();
  const began = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < LOOKS; i++) await stream.pollOnce();
  const tookMs = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  store.close();
  return { rate: LOOKS / tookMs * 1_000, cpuUs: (user + system) / LOOKS };
}

async function open(path: string): Promise<{ store: Store; stream: PlaytimeStream }> {
  const store = new Store(path, { migrations });
  const stream = createPlaytime({
    ...streamDeps(store),
    // As long as those that agents make themselves.
    deviceId: crypto.randomUUID(),
    lister: () => Promise.resolve([{ image: "Minecraft.exe" }]),
  }, defaultConfig());
  await stream.outbox.counted;
  return { store, stream };
}

function rawInserts(path: string): number {
  const store = new Store(path, { migrations });
  const { db } = store;
  const heartbeat = db.prepare(
    "INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name) VALUES (?, 'bench', ?, 1, 5, 'Minecraft.exe')",
  );
  const day = db.prepare(
    `INSERT INTO daily_rollups (device_id, date_utc, minutes_used, minutes_overdraft, allowance_min, last_heartbeat_at, updated_at)
     VALUES ('bench', ?, 0, 0, 0, ?2, ?2) ON CONFLICT DO UPDATE SET minutes_used = minutes_used + 1`,
  );
  const slot = db.prepare(
    "INSERT INTO usage_slots VALUES ('bench', ?, 1) ON CONFLICT DO UPDATE SET minutes_used = minutes_used + 1",
  );
  const began = performance.now();
  for (let i = 0; i < LOOKS; i++) {
    const at = new Date().toISOString();
    db.exec("BEGIN IMMEDIATE");
    heartbeat.run(crypto.randomUUID(), at);
    day.run(at.slice(0, 10), at);
    slot.run(at.slice(0, 13));
    db.exec("COMMIT");
  }
  const rate = LOOKS / (performance.now() - began) * 1_000;
  store.close();
  return rate;
}

async function sizes(): Promise<BenchRow[]> {
  using dir = tempDir();
  const month = `${dir.path}/month.db`;
  makeBacklog(month, { rows: SIZED_ROWS });
  const waiting = bytesEach(month, SIZED_ROWS);
  {
    const { store, stream } = await open(month);
    await settle(store, stream);
    store.close();
  }
  const online = `${dir.path}/online.db`;
  {
    const { store, stream } = await open(online);
    for (let rows = 1; rows <= ONLINE_ROWS; rows++) {
      await stream.pollOnce();
      if (rows % SYNCED_EVERY === 0) await settle(store, stream);
    }
    store.close();
  }
  return [
    { name: "waiting", size: waiting },
    { name: "after a month's backlog was drained", size: bytesEach(month, SIZED_ROWS) },
    { name: "synced every five minutes", size: bytesEach(online, ONLINE_ROWS) },
  ].map(({ name, size: { ours, bare } }) => ({
    name: `a stored heartbeat with its indexes, ${name}`,
    value: ours,
    unit: "bytes",
    baseline: { name: BARE_TABLE, value: bare },
    target: "≤ 150",
    met: ours <= 150,
  }));
}

/** What the table and its indexes take, by the pages that SQLite says are theirs, and what a bare table takes. */
function bytesEach(path: string, rows: number): { ours: number; bare: number } {
  const db = new DatabaseSync(":memory:");
  db.prepare("ATTACH ? AS agent").run(path);
  db.exec(
    `CREATE TABLE heartbeats (
       seq INTEGER PRIMARY KEY, id TEXT, device_id TEXT, timestamp_utc TEXT, is_playing INTEGER,
       poll_interval_sec INTEGER, process_name TEXT, synced_at TEXT
     );
     INSERT INTO heartbeats
       SELECT seq, id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name, synced_at
       FROM agent.heartbeats ORDER BY seq`,
  );
  const pages = db.prepare(
    "SELECT sum(pgsize) AS bytes FROM dbstat WHERE schema = ? AND name LIKE 'heartbeats%'",
  );
  const each = (schema: string) => Number(pages.get(schema)?.bytes) / rows;
  const sizes = { ours: each("agent"), bare: each("main") };
  db.close();
  return sizes;
}

/** As the sync does it: batch by batch, each in a transaction. */
async function settle(store: Store, { outbox }: PlaytimeStream): Promise<void> {
  for (;;) {
    const ids = outbox.pending(500).rows.map(({ id }) => id);
    if (ids.length === 0) return;
    await store.write(() => outbox.settle(ids, instantOf(Date.now())));
  }
}

async function growth(rounds: number): Promise<BenchRow> {
  const pairs: Pair<number>[] = [];
  for (let round = 0; round < rounds; round++) {
    using dir = tempDir();
    makeBacklog(`${dir.path}/small.db`, { rows: 50_000 });
    makeBacklog(`${dir.path}/large.db`, { rows: 500_000 });
    pairs.push({
      raw: (await looks(`${dir.path}/small.db`)).cpuUs,
      ours: (await looks(`${dir.path}/large.db`)).cpuUs,
    });
  }
  return pairedRow(pairs, (us) => us, {
    name: "processor time of a look at 500 000 rows",
    unit: "µs",
    beside: "at 50 000 rows",
    target: "≤ 1.2 ×",
    meets: (_, ratio) => ratio <= 1.2,
  });
}
