/** What a punch costs from the device's message to its acknowledgement, which waits for the disk. @module */
import { Store } from "../../../src/store/mod.ts";
import { createAttendance, migrations } from "../../../src/streams/attendance/mod.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempDir } from "../../support/temp.ts";
import { loadPunches, type PunchLoad, type PunchLoadResult } from "../load/attendance_load.ts";
import { idleLoop, watchLoop } from "../loop_watch.ts";
import { rawPunchP99, rawPunchRate } from "../beside/raw_punches.ts";
import { type BenchRow, median, type Pair, pairedRow, type Suite } from "../row.ts";

const CONNECTIONS = 50;
const SECONDS = 4;
/** Four at each device: as many as people can. */
const PER_SECOND = 200;
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
  const size = CONNECTIONS * records;
  const pairs: Pair<number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const raw = rawPunchRate({ size, seconds: SECONDS });
    const { result } = await loaded({ connections: CONNECTIONS, records, seconds: SECONDS });
    pairs.push({ ours: result.rate, raw });
  }
  return pairedRow(pairs, (rate) => rate, {
    name: `punches, durable, ${CONNECTIONS} devices, ${records} a message`,
    unit: "/s",
    beside: `raw FULL transactions of ${size}`,
    target: "≥ 0.6 of raw",
    meets: (_, ratio) => ratio >= 0.6,
  });
}

async function latency(rounds: number): Promise<BenchRow> {
  const pairs: Pair<number>[] = [];
  for (let round = 0; round < rounds; round++) {
    const raw = await rawPunchP99({ perSecond: PER_SECOND, seconds: SECONDS });
    const load = { connections: CONNECTIONS, records: 1, perSecond: PER_SECOND, seconds: SECONDS };
    const { result } = await loaded(load);
    pairs.push({ ours: result.p99Ms, raw });
  }
  return pairedRow(pairs, (ms) => ms, {
    name: `acknowledgement at ${PER_SECOND} punches/s, p99`,
    unit: "ms",
    beside: "a raw FULL transaction of one, as often",
    target: "≤ 50 ms",
    meets: (ms) => ms <= 50,
  });
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
  const stream = createAttendance({
    ...streamDeps(store, { cloud: true }),
    // All 50 devices have the address of this machine, and are in a hurry.
    limits: { messagesPerSecond: Infinity },
    onListen: ({ port }) => listening.resolve(port),
  }, {
    retention_unsynced_days: 365,
    attendance: {
      enabled: true,
      host: "127.0.0.1",
      port: 0,
      time_zone: "Asia/Kolkata",
      unknown: "approve",
      devices: [],
      silent_after_min: 0,
      max_stay_hours: 16,
      pull_interval_min: 0,
      retention_days: 365,
    },
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
