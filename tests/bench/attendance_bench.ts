/** What a punch costs from the device's message to its acknowledgement, which waits for the disk. @module */
import { Hub, systemClock, Warnings } from "../../src/core/mod.ts";
import { Store } from "../../src/store/mod.ts";
import { createAttendanceStream, migrations, punchId } from "../../src/streams/attendance/mod.ts";
import { tempDir } from "../support/temp.ts";
import { loadPunches, type PunchLoad, type PunchLoadResult } from "./attendance_load.ts";
import { idleLoop, watchLoop } from "./loop_watch.ts";
import { type BenchRow, median, type Suite } from "./row.ts";

const CONNECTIONS = 50;
const SECONDS = 4;
const MIB = 1024 * 1024;

export const attendanceBench: Suite = {
  name: "attendance",
  async run({ rounds }) {
    return [
      await throughput(1, rounds),
      await throughput(18, rounds),
      await latency(rounds),
      await largeFrame(rounds),
    ];
  },
};

/** Punches a second over 50 connections, beside transactions of as many rows as the connections can bring at once. */
async function throughput(records: number, rounds: number): Promise<BenchRow> {
  const ours: number[] = [];
  const raws: number[] = [];
  for (let round = 0; round < rounds; round++) {
    raws.push(rawCommits(CONNECTIONS * records));
    ours.push((await loaded({ connections: CONNECTIONS, records, seconds: SECONDS })).result.rate);
  }
  const value = median(ours);
  const raw = median(raws);
  const ratio = median(ours.map((rate, round) => rate / raws[round]!));
  return {
    name: `punches, durable, ${CONNECTIONS} devices, ${records} a message`,
    value,
    unit: "/s",
    baseline: { name: `raw FULL transactions of ${CONNECTIONS * records}`, value: raw },
    ratio,
    target: "≥ 0.6 of raw",
    met: ratio >= 0.6,
  };
}

async function latency(rounds: number): Promise<BenchRow> {
  const p99s: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const load = { connections: CONNECTIONS, records: 1, seconds: 2 * SECONDS, perSecond: 200 };
    p99s.push((await loaded(load)).result.p99Ms);
  }
  const value = median(p99s);
  return {
    name: "acknowledgement at 200 punches/s, p99",
    value,
    unit: "ms",
    target: "≤ 50 ms",
    met: value <= 50,
  };
}

/** How long the event loop is held while messages with photos arrive, beside a process that does nothing. */
async function largeFrame(rounds: number): Promise<BenchRow> {
  const holds: number[] = [];
  const idles: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const load = { connections: 1, records: 2, seconds: SECONDS, photoBytes: 10 * MIB };
    const [{ heldMs }, idleMs] = await Promise.all([loaded(load), idleLoop(SECONDS)]);
    holds.push(heldMs);
    idles.push(idleMs);
  }
  const value = median(holds);
  const idle = median(idles);
  return {
    name: "event loop held by messages of 20 MiB, longest",
    value,
    unit: "ms",
    baseline: { name: "an idle process at the same time", value: idle },
    target: "≤ 10 ms more than idle",
    met: value - idle <= 10,
  };
}

/** The stream on a port of its own under a load from another process. */
async function loaded(
  load: Omit<PunchLoad, "port">,
): Promise<{ result: PunchLoadResult; heldMs: number }> {
  using dir = tempDir();
  const store = new Store(`${dir.path}/bench.db`, { migrations });
  const listening = Promise.withResolvers<number>();
  const stream = createAttendanceStream({
    settings: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: "Asia/Kolkata",
      unknown: "approve",
      devices: [],
      pull_interval_min: 0,
      retention_days: 365,
    },
    store,
    clock: systemClock,
    hub: new Hub(),
    warnings: new Warnings(),
    cloud: true,
    retentionUnsyncedDays: 365,
    // All 50 devices have the address of this machine, and are in a hurry.
    limits: { messagesPerSecond: Infinity },
    onListen: ({ port }) => listening.resolve(port),
  });
  const stop = new AbortController();
  const running = stream.run!(stop.signal);
  const port = await listening.promise;
  const watch = watchLoop();
  const result = await loadPunches({ ...load, port });
  const heldMs = watch.stop();
  stop.abort();
  await running;
  const stored = Number(store.db.prepare("SELECT count(*) AS n FROM device_logs").get()!.n);
  store.close();
  if (stored !== result.punches && !load.photoBytes) {
    throw new Error(`${stored} stored of ${result.punches}`);
  }
  return { result, heldMs };
}

/** The same rows, ready made, in transactions of this size. */
function rawCommits(size: number): number {
  using dir = tempDir();
  const store = new Store(`${dir.path}/raw.db`, { migrations });
  const { db } = store;
  const insert = db.prepare(
    `INSERT INTO device_logs (id, device_sn, person_id, device_time, time_zone, punched_at, received_at,
       skew_ms, time_suspect, mode, in_out, event, raw)
     VALUES (?, ?, ?, ?, 'Asia/Kolkata', ?, ?, NULL, 0, 8, 0, 0, ?)`,
  );
  const raw =
    '{"enrollid":1000,"name":"Asha","time":"2024-01-01 00:00:00","mode":8,"inout":0,"event":0}';
  const rows = Array.from({ length: 100_000 }, (_, i) => {
    const sn = `DEV${1 + i % CONNECTIONS}`;
    const person = `${1_000 + i % 400}`;
    const at = new Date(Date.UTC(2024, 0, 1) + Math.floor(i / CONNECTIONS) * 1_000).toISOString();
    const time = at.slice(0, 19).replace("T", " ");
    return [punchId(sn, person, time), sn, person, time, at, at, raw] as const;
  });
  db.exec("PRAGMA synchronous=FULL");
  const began = performance.now();
  let done = 0;
  while (done < rows.length && performance.now() - began < SECONDS * 1_000) {
    db.exec("BEGIN IMMEDIATE");
    for (const row of rows.slice(done, done + size)) insert.run(...row);
    db.exec("COMMIT");
    done += size;
  }
  const rate = Math.min(done, rows.length) / (performance.now() - began) * 1_000;
  store.close();
  return rate;
}
