/** The table of heartbeats, in order of arrival. @module */
import type { Heartbeat, StoredHeartbeat } from "../../../contract/playtime.ts";
import type { Day, Instant, Placed } from "../../../core/mod.ts";
import {
  type CellsStatement,
  LIMIT,
  prepareCells,
  type RawRow,
  type Statement,
  type Store,
} from "../../../store/mod.ts";

/** Milliseconds that a heartbeat adds to its day. */
export function creditMs(heartbeat: Heartbeat): number {
  return heartbeat.is_playing ? Math.round(heartbeat.poll_interval_sec * 1000) : 0;
}

/** The UTC day a heartbeat belongs to. */
export function utcDayOf({ timestamp_utc }: Heartbeat): Day {
  return timestamp_utc.slice(0, 10);
}

/** A heartbeat with its place in the order of arrival. */
export interface PlacedHeartbeat {
  readonly seq: number;
  readonly heartbeat: StoredHeartbeat;
}

/** The sum of heartbeats of one process name within a slot. */
export interface SlotSum {
  readonly device_id: string;
  readonly slot_utc: Instant;
  readonly ms: number;
  /** Null while no game ran. */
  readonly process_name: string | null;
  /** The latest of them. */
  readonly last: Instant;
}

const PAGE_ROWS = 200;

export class Heartbeats {
  readonly #insert: Statement;
  readonly #before: Statement;
  readonly #span: CellsStatement;
  readonly #after: Statement;
  readonly #sumsAfter: Statement;
  readonly #end: Statement;
  readonly #rename: Statement;

  constructor({ db }: Store) {
    this.#insert = db.prepare(
      `INSERT INTO heartbeats
         (id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    const columns =
      "seq, id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name, synced_at";
    this.#before = db.prepare(
      `SELECT ${columns} FROM heartbeats WHERE seq < ? ORDER BY seq DESC ${LIMIT}`,
    );
    this.#span = prepareCells(
      db,
      // Twice as fast as cells and `JSON.stringify`. The blobs are true and false in JSONB: `json('true')` would be
      // parsed for every row.
      `SELECT seq, json_object('id', id, 'device_id', device_id, 'timestamp_utc', timestamp_utc,
         'is_playing', iif(is_playing = 1, x'01', x'02'),
         'poll_interval_sec', poll_interval_sec,
         'process_name', process_name, 'synced_at', synced_at)
       FROM heartbeats WHERE seq < ? AND seq >= ? ORDER BY seq DESC ${LIMIT}`,
    );
    this.#after = db.prepare(
      `SELECT ${columns} FROM heartbeats WHERE seq > ? ORDER BY seq ${LIMIT}`,
    );
    this.#end = db.prepare(
      `SELECT max(seq) AS last FROM (SELECT seq FROM heartbeats WHERE seq > ? ORDER BY seq ${LIMIT})`,
    );
    this.#rename = db.prepare(
      `UPDATE heartbeats SET device_id = ?
       WHERE seq > ? AND seq <= ? AND device_id IN (SELECT value FROM json_each(?))`,
    );
    // The sums of creditMs and slotAt, ten times as fast as row by row.
    this.#sumsAfter = db.prepare(
      `SELECT device_id, substr(timestamp_utc, 1, 14) || CASE
           WHEN substr(timestamp_utc, 15, 2) < '15' THEN '00'
           WHEN substr(timestamp_utc, 15, 2) < '30' THEN '15'
           WHEN substr(timestamp_utc, 15, 2) < '45' THEN '30' ELSE '45' END || ':00.000Z' AS slot_utc,
         sum(is_playing * CAST(round(poll_interval_sec * 1000) AS INTEGER)) AS ms,
         process_name, max(timestamp_utc) AS last, count(*) AS rows, max(seq) AS seq
       FROM (SELECT * FROM heartbeats WHERE seq > ? ORDER BY seq ${LIMIT})
       GROUP BY 1, 2, process_name`,
    );
  }

  /** Adds one at the end; called inside `write`. */
  insert(heartbeat: Heartbeat): void {
    const { id, device_id, timestamp_utc, is_playing, poll_interval_sec, process_name } = heartbeat;
    this.#insert.run(
      id,
      device_id,
      timestamp_utc,
      is_playing ? 1 : 0,
      poll_interval_sec,
      process_name,
    );
  }

  /** The last heartbeats before `seq`, newest first. */
  before(seq: number, limit: number): PlacedHeartbeat[] {
    return this.#before.all(seq, limit).map(placed);
  }

  /**
   * JSON texts of the heartbeats from `from` to before `before`, newest first. Read in pages: row by row takes three times
   * as long.
   */
  *texts(
    { before, from, limit }: { before: number; from: number; limit: number },
  ): Generator<Placed<number>> {
    const rows = Math.min(limit, PAGE_ROWS);
    for (let at = before, full = true; full;) {
      const page = this.#span.all(at, from, rows);
      for (const cells of page) yield { at: at = Number(cells[0]), json: String(cells[1]) };
      full = page.length === rows;
    }
  }

  /** The first heartbeats after `seq`, oldest first. */
  after(seq: number, limit: number): PlacedHeartbeat[] {
    return this.#after.all(seq, limit).map(placed);
  }

  /** The first `seq` at a time or later, by binary search: times have no index. One of several if a clock was set back. */
  seqAt(time: Instant): number {
    let [low, high] = [1, (this.before(Number.MAX_SAFE_INTEGER, 1)[0]?.seq ?? 0) + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      // Deleted rows leave gaps.
      const next = this.after(middle - 1, 1)[0];
      if (next && next.heartbeat.timestamp_utc < time) low = next.seq + 1;
      else high = middle;
    }
    return low;
  }

  /** Sums by slot of the first `limit` heartbeats after `seq`, their number, and their last `seq`. */
  sumsAfter(seq: number, limit: number): { sums: SlotSum[]; rows: number; last: number } {
    const page = { sums: [] as SlotSum[], rows: 0, last: seq };
    for (const raw of this.#sumsAfter.all(seq, limit)) {
      page.sums.push({
        device_id: String(raw.device_id),
        slot_utc: String(raw.slot_utc),
        ms: Number(raw.ms),
        process_name: textOrNull(raw.process_name),
        last: String(raw.last),
      });
      page.rows += Number(raw.rows);
      page.last = Math.max(page.last, Number(raw.seq));
    }
    return page;
  }

  /**
   * Gives those of the first `limit` rows after a `seq` that have one of the `names` (JSON) another device id; called
   * inside `write`. `last` is undefined when there was no such row.
   */
  rename(
    names: string,
    to: string,
    { after, limit }: { after: number; limit: number },
  ): { renamed: number; last: number | undefined } {
    const last = this.#end.get(after, limit)?.last ?? null;
    if (last === null) return { renamed: 0, last: undefined };
    const { changes } = this.#rename.run(to, after, Number(last), names);
    return { renamed: Number(changes), last: Number(last) };
  }

  newest(): StoredHeartbeat | undefined {
    return this.before(Number.MAX_SAFE_INTEGER, 1)[0]?.heartbeat;
  }
}

function placed(raw: RawRow): PlacedHeartbeat {
  return {
    seq: Number(raw.seq),
    heartbeat: { ...sentRow(raw), synced_at: textOrNull(raw.synced_at) },
  };
}

/** A row as the cloud gets it. */
export function sentRow(raw: RawRow): Heartbeat {
  return {
    id: String(raw.id),
    device_id: String(raw.device_id),
    timestamp_utc: String(raw.timestamp_utc),
    is_playing: raw.is_playing === 1,
    poll_interval_sec: Number(raw.poll_interval_sec),
    process_name: textOrNull(raw.process_name),
  };
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value);
}
