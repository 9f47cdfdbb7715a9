/**
 * What has to be true in the end, reckoned from what clients were told, from the database and from the clouds.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import type { Cloud } from "../support/servers/cloud.ts";
import type { FaultyServer, StoredRow } from "../support/servers/faulty_server.ts";
import type { EventsLoad } from "./load/events.ts";
import type { DevicesLoad } from "./load/life.ts";
import type { RecordsLoad } from "./load/records.ts";

export interface World {
  database: string;
  events: { load: Pick<EventsLoad, "acknowledged" | "eventOf">; cloud: Kept };
  punches: { load: Pick<DevicesLoad, "acknowledged" | "waiting">; cloud: Kept };
  /** Heartbeats that the agent told of. */
  told: ReadonlySet<string>;
  /** The last heartbeat that was there before nothing waited: those since then may wait. */
  drainedSeq: number;
  records: Pick<RecordsLoad, "ours" | "theirs" | "edits">;
  supabase: Pick<Cloud, "sql">;
}

type Kept = Pick<FaultyServer, "rows" | "deliveries">;

/** How a stream came through. */
export interface Verdict {
  stream: string;
  /** What somebody was told is kept. */
  acknowledged: number;
  inCloud: number;
  /** Delivered more than once, which ids made harmless; null where that cannot be seen. */
  again: number | null;
  /** What is wrong: a few examples of each kind. */
  faults: string[];
}

type Row = Readonly<Record<string, unknown>>;

/** Looks at everything. The agent has ended, and nothing waits any more. */
export async function judge(world: World): Promise<Verdict[]> {
  const db = new DatabaseSync(world.database, { readOnly: true });
  try {
    return [
      judgeEvents(db, world.events),
      judgePunches(db, world.punches),
      await judgeHeartbeats(db, world),
      await judgeRecords(db, world),
    ];
  } finally {
    db.close();
  }
}

/** The `seq` of the newest heartbeat, also while an agent runs. */
export function lastHeartbeat(database: string): number {
  const db = new DatabaseSync(database, { readOnly: true });
  try {
    return Number(db.prepare("SELECT max(seq) AS seq FROM heartbeats").get()?.seq ?? 0);
  } finally {
    db.close();
  }
}

function judgeEvents(db: DatabaseSync, { load, cloud }: World["events"]): Verdict {
  const faults = new Faults();
  const there = new Map<string, StoredRow>();
  const last = new Map<string, number>();
  for (const row of cloud.rows.values()) {
    const key = String(row.idempotency_key);
    if (there.has(key)) faults.add("in the cloud under two ids", key);
    there.set(key, row);
    // `rows` remembers the order in which they first came.
    const mode = String(row.mode);
    const expected = (last.get(mode) ?? 0) + 1;
    if (row.seq !== expected) faults.add("came out of order", `${mode} ${row.seq}`);
    last.set(mode, Number(row.seq));
  }
  for (const [key, { mode, seq }] of load.acknowledged) {
    const row = there.get(key);
    if (!row) {
      faults.add("acknowledged and lost", key);
      continue;
    }
    for (const [field, value] of Object.entries({ ...load.eventOf(key), mode, seq })) {
      if (!isDeepStrictEqual(row[field], value)) faults.add(`came with another ${field}`, key);
    }
  }
  const stored = ids(db, "SELECT id FROM local_events");
  faults.compare(stored, new Set(cloud.rows.keys()));
  return {
    stream: "events",
    acknowledged: load.acknowledged.size,
    inCloud: cloud.rows.size,
    again: again(cloud),
    faults: faults.list(),
  };
}

function judgePunches(db: DatabaseSync, { load, cloud }: World["punches"]): Verdict {
  const faults = new Faults();
  for (const id of load.acknowledged) {
    if (!cloud.rows.has(id)) faults.add("acknowledged and lost", id);
  }
  if (load.waiting > 0) faults.add("still in the devices' memory", String(load.waiting));
  const local = db.prepare("SELECT * FROM device_logs ORDER BY seq").all() as Row[];
  const inOrder = [...cloud.rows.values()];
  local.forEach((row, index) => {
    const sent = inOrder[index];
    if (!sent || sent.id !== row.id) return faults.add("came out of order", String(row.id));
    for (const [field, value] of Object.entries(sent)) {
      const same = JSON.stringify(row[field]) === JSON.stringify(value);
      if (!same && field in row) faults.add(`came with another ${field}`, String(row.id));
    }
  });
  faults.compare(new Set(local.map(({ id }) => String(id))), new Set(cloud.rows.keys()));
  return {
    stream: "attendance",
    acknowledged: load.acknowledged.size,
    inCloud: cloud.rows.size,
    again: again(cloud),
    faults: faults.list(),
  };
}

async function judgeHeartbeats(
  db: DatabaseSync,
  { told, drainedSeq, supabase }: World,
): Promise<Verdict> {
  const faults = new Faults();
  const there = await supabase.sql<Row>(
    `SELECT id, device_id, is_playing, poll_interval_sec, process_name,
       to_char(timestamp_utc AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS timestamp_utc,
       xmin::text::bigint AS written_by
     FROM heartbeats ORDER BY written_by, id`,
  );
  const byId = new Map(there.map(({ written_by: _, ...row }) => [String(row.id), row as Row]));
  if (byId.size < there.length) faults.add("in the cloud twice", `${there.length - byId.size}`);
  const kept = new Set<string>();
  const due = new Set<string>();
  const minutes = new Map<string, number>();
  const local = db.prepare("SELECT * FROM heartbeats ORDER BY seq").all() as Row[];
  // The transaction that wrote a row tells when it came: none is written twice. Where it lies does not, since a
  // narrow row may fill a gap that a wide one has left.
  const writtenBy = new Map(there.map(({ id, written_by }) => [String(id), Number(written_by)]));
  const came = local.map(({ id }) => String(id)).filter((id) => byId.has(id));
  const astray = came.find((id, at) => writtenBy.get(id)! < (writtenBy.get(came[at - 1]!) ?? 0));
  if (astray !== undefined) faults.add("came out of order", astray);
  for (const row of local) {
    const id = String(row.id);
    const sent = byId.get(id);
    kept.add(id);
    if (sent || Number(row.seq) <= drainedSeq) due.add(id);
    const own = { ...row, is_playing: row.is_playing === 1 } as Row;
    for (const [field, value] of Object.entries(sent ?? {})) {
      if (own[field] !== value) faults.add(`came with another ${field}`, String(row.id));
    }
    const day = String(row.timestamp_utc).slice(0, 10);
    const sec = own.is_playing ? Number(row.poll_interval_sec) : 0;
    minutes.set(day, (minutes.get(day) ?? 0) + sec / 60);
  }
  for (const { date_utc, minutes_used } of db.prepare("SELECT * FROM daily_rollups").all()) {
    const sum = minutes.get(String(date_utc)) ?? 0;
    if (Math.abs(Number(minutes_used) - sum) > 1e-6) {
      faults.add("a day is not the sum of its heartbeats", `${date_utc}: ${minutes_used}, ${sum}`);
    }
  }
  for (const id of told) if (!kept.has(id)) faults.add("told and lost", id);
  faults.compare(due, new Set(byId.keys()));
  return {
    stream: "playtime",
    acknowledged: told.size,
    inCloud: byId.size,
    again: null,
    faults: faults.list(),
  };
}

async function judgeRecords(db: DatabaseSync, { records, supabase }: World): Promise<Verdict> {
  const faults = new Faults();
  const rows = await supabase.sql<Row>(
    "SELECT id, name, status, deleted_at IS NOT NULL AS gone FROM projects",
  );
  const there = new Map(
    rows.map(({ id, name, status, gone }) => [String(id), gone ? null : { name, status }]),
  );
  const here = new Map(
    db.prepare("SELECT record_id, data, deleted_at FROM records WHERE table_name = 'projects'")
      .all().map(({ record_id, data, deleted_at }) => {
        const { name, status } = JSON.parse(String(data)) as { name: string; status: string };
        return [String(record_id), deleted_at === null ? { name, status } : null];
      }),
  );
  const text = (said: unknown) => JSON.stringify(said ?? null);
  // Some say hundreds of KB.
  const shown = (said: unknown) => text(said).slice(0, 80);
  for (const id of new Set([...there.keys(), ...here.keys()])) {
    if (text(here.get(id)) !== text(there.get(id))) {
      faults.add("differs", `${id}: here ${shown(here.get(id))}, there ${shown(there.get(id))}`);
    }
  }
  for (const [kind, said] of [["ours", records.ours], ["theirs", records.theirs]] as const) {
    for (const [id, last] of said) {
      if (text(there.get(id)) !== text(last)) {
        faults.add(`is not what was written last (${kind})`, `${id}: ${shown(there.get(id))}`);
      }
    }
  }
  const waiting = db.prepare("SELECT count(*) AS n FROM sync_queue WHERE synced_at IS NULL").get();
  if (Number(waiting?.n) > 0) faults.add("waits", String(waiting?.n));
  return {
    stream: "records",
    acknowledged: records.edits,
    inCloud: there.size,
    again: null,
    faults: faults.list(),
  };
}

/** Deliveries beyond the first. */
function again({ deliveries }: Kept): number {
  let more = 0;
  for (const count of deliveries.values()) more += count - 1;
  return more;
}

function ids(db: DatabaseSync, sql: string): Set<string> {
  return new Set(db.prepare(sql).all().map(({ id }) => String(id)));
}

/** Faults by kind, with a few examples each. */
class Faults {
  readonly #kinds = new Map<string, string[]>();

  add(kind: string, example: string): void {
    const examples = this.#kinds.get(kind) ?? [];
    this.#kinds.set(kind, examples);
    examples.push(example);
  }

  compare(here: ReadonlySet<string>, there: ReadonlySet<string>): void {
    for (const id of here) if (!there.has(id)) this.add("stored and not in the cloud", id);
    for (const id of there) if (!here.has(id)) this.add("in the cloud and not stored", id);
  }

  list(): string[] {
    return [...this.#kinds].map(([kind, examples]) =>
      `${examples.length} × ${kind}: ${examples.slice(0, 3).join(", ")}`
    );
  }
}
