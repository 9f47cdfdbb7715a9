/**
 * A fleet's heartbeats into the cloud's schema: batches as PostgREST makes them of the agents' pushes, in the name of
 * each device's account, into a PostgreSQL of this machine. Prints what a million devices would take, by arithmetic.
 *
 *     deno task fleet [devices] [batches of each]
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { schema } from "../../src/remotes/supabase/mod.ts";
import { argumentsOf, numbersOf } from "../support/arguments.ts";
import { postgresBin, startPostgres, SUPABASE_STUB } from "../support/postgres.ts";

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
const bin = postgresBin();
if (bin === undefined) {
  console.error(
    "Cannot run the fleet: PostgreSQL is not installed. Install the package postgresql",
  );
  Deno.exit(1);
}
await using db = await startPostgres(bin, { durable: true });
await db.run(SUPABASE_STUB);
await db.run(schema);
await db.run(
  `INSERT INTO auth.users SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n::text
     FROM generate_series(0, ${devices - 1}) n;
   INSERT INTO system_members (system_id, user_id) SELECT email, id FROM auth.users;
   ANALYZE;`,
);

console.log(
  `PostgreSQL ${db.version}, ${navigator.hardwareConcurrency} cores, ${devices} devices × ${batches} batches of ${BATCH_ROWS}, ` +
    `${CONNECTIONS} connections, fsync on`,
);
const pushed = await push();
const rows = devices * batches * BATCH_ROWS;
const without = await withoutRollup(() => push({ from: batches }));
const rollups = await timed(() =>
  db.run("SELECT count(*), sum(minutes_used) FROM daily_rollups WHERE date_utc = '2026-11-01'")
);
const recomputed = await timed(() =>
  db.run(
    `SELECT device_id, sum(poll_interval_sec) FILTER (WHERE is_playing) FROM heartbeats
     WHERE timestamp_utc >= '2026-11-01' AND timestamp_utc < '2026-11-02' GROUP BY device_id`,
  )
);
await db.run("VACUUM ANALYZE heartbeats");
const [size] = await db.rows<{ table_bytes: number; index_bytes: number; rows: number }>(
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
  const scripts = Array.from({ length: CONNECTIONS }, (_, connection) => {
    const lines: string[] = [];
    for (let batch = from; batch < from + batches; batch++) {
      for (let device = connection; device < devices; device += CONNECTIONS) {
        lines.push(request(device, batch));
      }
    }
    return lines.join("\n");
  });
  return await timed(() => Promise.all(scripts.map((script) => db.run(script))));
}

/** One push as PostgREST runs it: a transaction in the account's name, rows as JSON. */
function request(device: number, batch: number): string {
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
  const user = `00000000-0000-4000-8000-${String(device).padStart(12, "0")}`;
  return `BEGIN; SET LOCAL ROLE authenticated; SET LOCAL request.jwt.claims = '{"sub":"${user}"}';
    INSERT INTO heartbeats (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name)
    SELECT * FROM json_to_recordset('${
    JSON.stringify(rows)
  }') AS r(id uuid, device_id text, timestamp_utc timestamptz, is_playing boolean, poll_interval_sec int,
      process_name text) ON CONFLICT (id, timestamp_utc) DO NOTHING; COMMIT;`;
}

async function withoutRollup(work: () => Promise<number>): Promise<number> {
  await db.run("ALTER TABLE heartbeats DISABLE TRIGGER heartbeats_roll_up");
  try {
    return await work();
  } finally {
    await db.run("ALTER TABLE heartbeats ENABLE TRIGGER heartbeats_roll_up");
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
