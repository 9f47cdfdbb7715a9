/**
 * A fleet's heartbeats into the cloud's schema: batches as PostgREST makes them of the agents' pushes, in the name of
 * each device's account, into a PostgreSQL of this machine. Prints what a million devices would take, by arithmetic.
 *
 *     deno task fleet [devices] [batches of each]
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { argumentsOf, numbersOf } from "../support/process/arguments.ts";
import { Cloud } from "../support/servers/cloud.ts";

const POLL_SEC = 5;
/** An agent pushes every five minutes. */
const BATCH_ROWS = 300 / POLL_SEC;
const ROWS_A_DAY = 86_400 / POLL_SEC;
const CONNECTIONS = 4;
const FLEET = 1_000_000;
const DAY_SEC = 86_400;

const USAGE = `Pushes a fleet's heartbeats into a PostgreSQL of this machine.

  deno task fleet [devices, default 400] [batches of each, default 5]`;

const [devices = 0, batches = 0] = argumentsOf(
  USAGE,
  (args) => numbersOf(args, { "the devices": 400, "the batches": 5 }),
);
await using cloud = await Cloud.start({ durable: true });
const [{ version } = { version: "" }] = await cloud.sql<{ version: string }>(
  "SELECT current_setting('server_version') AS version",
);
await cloud.sqlAs(
  "supabase_admin",
  `INSERT INTO auth.users (id, email)
     SELECT ('00000000-0000-4000-8001-' || lpad(n::text, 12, '0'))::uuid, n::text
     FROM generate_series(0, ${devices - 1}) n;
   INSERT INTO system_members (system_id, user_id) SELECT email, id FROM auth.users;
   ANALYZE;`,
);

console.log(
  `PostgreSQL ${version}, ${navigator.hardwareConcurrency} cores, ${devices} devices × ${batches} batches of ${BATCH_ROWS}, ` +
    `${CONNECTIONS} connections, fsync on`,
);
const pushed = await push();
const rows = devices * batches * BATCH_ROWS;
const without = await withoutRollup(() => push({ from: batches }));
const rollups = await timed(() =>
  cloud.sql("SELECT count(*), sum(minutes_used) FROM daily_rollups WHERE date_utc = '2026-11-01'")
);
const recomputed = await timed(() =>
  cloud.sql(
    `SELECT device_id, sum(poll_interval_sec) FILTER (WHERE is_playing) FROM heartbeats
     WHERE timestamp_utc >= '2026-11-01' AND timestamp_utc < '2026-11-02' GROUP BY device_id`,
  )
);
await cloud.sql("VACUUM ANALYZE heartbeats");
const [size] = await cloud.sql<{ table_bytes: number; index_bytes: number; rows: number }>(
  `SELECT sum(pg_relation_size(inhrelid)) AS table_bytes, sum(pg_indexes_size(inhrelid)) AS index_bytes,
     (SELECT count(*) FROM heartbeats) AS rows FROM pg_inherits WHERE inhparent = 'heartbeats'::regclass`,
);
const bytesARow = (size!.table_bytes + size!.index_bytes) / size!.rows;
const bytesADay = bytesARow * ROWS_A_DAY;
const rate = rows / pushed;
const needed = FLEET / POLL_SEC;

console.table({
  "rows/s with row-level security and rollup": round(rate),
  "rows/s without the rollup": round(rows / without),
  "batches/s": round(rate / BATCH_ROWS),
  "cost of the rollup, of a push": `${Math.round((1 - without / pushed) * 100)} %`,
  "bytes a row: table + indexes": `${round(size!.table_bytes / size!.rows)} + ${
    round(size!.index_bytes / size!.rows)
  }`,
  "MB a device-day": round(bytesADay / 1e6, 2),
  "a day's rollups of all devices, ms": round(rollups * 1_000),
  "the same from raw heartbeats, ms": round(recomputed * 1_000),
});
console.log(`
${FLEET.toLocaleString("en")} devices, by these figures:
  heartbeats  ${FLEET.toLocaleString("en")} / ${POLL_SEC} s = ${
  needed.toLocaleString("en")
} rows/s = ${(needed / BATCH_ROWS).toLocaleString("en", { maximumFractionDigits: 0 })} batches/s
  servers     ${needed.toLocaleString("en")} / ${round(rate).toLocaleString("en")} rows/s = ${
  round(needed / rate, 1)
} of this machine
  storage     ${FLEET.toLocaleString("en")} × ${round(bytesADay / 1e6, 2)} MB = ${
  round(FLEET * bytesADay / 1e12, 2)
} TB a day, ${round(FLEET * bytesADay * 30 / 1e12, 1)} TB in 30 days
  rollups     ${FLEET.toLocaleString("en")} rows a day (about 100 MB), upserted ${
  (FLEET * DAY_SEC / 300 / 1e6).toLocaleString("en")
} million times a day
`);

/** Pushes batches over several connections at once. @returns seconds */
async function push({ from = 0 } = {}): Promise<number> {
  return await timed(() =>
    Promise.all(Array.from({ length: CONNECTIONS }, async (_, connection) => {
      for (let batch = from; batch < from + batches; batch++) {
        for (let device = connection; device < devices; device += CONNECTIONS) {
          const sub = `00000000-0000-4000-8001-${String(device).padStart(12, "0")}`;
          await cloud.sqlAs("authenticated", insertOf(device, batch), { sub });
        }
      }
    }))
  );
}

/** One push as PostgREST runs it: rows as JSON. */
function insertOf(device: number, batch: number): string {
  const rows = Array.from({ length: BATCH_ROWS }, (_, n) => ({
    id: crypto.randomUUID().replace(/^.{13}/, (head) => `0190${head.slice(4, 8)}-${head.slice(9)}`),
    device_id: String(device),
    timestamp_utc: new Date(
      Date.UTC(2026, 10, 1) + (batch * BATCH_ROWS + n) * POLL_SEC * 1_000,
    ).toISOString(),
    is_playing: n % 3 === 0,
    poll_interval_sec: POLL_SEC,
    process_name: n % 3 === 0 ? "javaw.exe" : null,
  }));
  return `INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name)
    SELECT * FROM json_to_recordset('${
    JSON.stringify(rows)
  }') AS r(id uuid, device_id text, timestamp_utc timestamptz, is_playing boolean, poll_interval_sec int,
      process_name text) ON CONFLICT ON CONSTRAINT heartbeats_pkey DO NOTHING`;
}

async function withoutRollup(work: () => Promise<number>): Promise<number> {
  await cloud.sql("ALTER TABLE heartbeats DISABLE TRIGGER heartbeats_roll_up");
  try {
    return await work();
  } finally {
    await cloud.sql("ALTER TABLE heartbeats ENABLE TRIGGER heartbeats_roll_up");
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1_000;
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}
