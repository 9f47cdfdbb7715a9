/** The UTC days: minutes used and overdrawn. Never deleted. @module */
import type { Heartbeat } from "../../../contract/playtime.ts";
import type { Day, Instant } from "../../../core/mod.ts";
import {
  type Cells,
  type CellsStatement,
  LIMIT,
  prepareCells,
  type Statement,
  type Store,
} from "../../../store/mod.ts";
import { overdraft } from "./allowance.ts";
import { creditMs, utcDayOf } from "../heartbeats/heartbeats.ts";
import { minutesOfMs, msOfMinutes } from "./minutes.ts";

export interface Rollup {
  readonly device_id: string;
  readonly date_utc: Day;
  readonly minutes_used: number;
  readonly minutes_overdraft: number;
  /** What was allowed when the day was last written; null without a limit. */
  readonly allowance_min: number | null;
  readonly last_heartbeat_at: Instant;
  readonly updated_at: Instant;
}

const DAY_MS = 86_400_000;

/** In the order that `rollupOfCells` takes them. */
const COLUMNS = `device_id, date_utc, minutes_used, minutes_overdraft, allowance_min,
  last_heartbeat_at, updated_at`;

export interface DayTotals {
  device_id: string;
  date_utc: Day;
  usedMs: number;
  /** The grants of the day of the same date. */
  grantedMs: number;
  allowance_min: number | null;
  last_heartbeat_at: Instant;
  updated_at: Instant;
}

/** The rollup of a day's sums: at most 24 hours, even when a clock is set back. */
export function rollupOf({ usedMs, grantedMs, ...rest }: DayTotals): Rollup {
  const playedMs = Math.min(usedMs, DAY_MS);
  return {
    ...rest,
    minutes_used: minutesOfMs(playedMs),
    minutes_overdraft: overdraft(playedMs, { allowanceMin: rest.allowance_min, grantedMs }),
  };
}

/** A day's rollup after one more heartbeat. */
export function grownRollup(
  known: Rollup | undefined,
  heartbeat: Heartbeat,
  { allowanceMin, grantedMs }: { allowanceMin: number | null; grantedMs: number },
): Rollup {
  const at = heartbeat.timestamp_utc;
  const last = known?.last_heartbeat_at ?? at;
  return rollupOf({
    device_id: heartbeat.device_id,
    date_utc: utcDayOf(heartbeat),
    usedMs: msOfMinutes(known?.minutes_used ?? 0) + creditMs(heartbeat),
    grantedMs,
    allowance_min: allowanceMin,
    last_heartbeat_at: last > at ? last : at,
    updated_at: at,
  });
}

export class Rollups {
  readonly #get: CellsStatement;
  readonly #put: Statement;
  readonly #between: CellsStatement;
  readonly #after: CellsStatement;
  readonly #remove: Statement;
  readonly #first: Statement;

  constructor({ db }: Store) {
    this.#get = prepareCells(
      db,
      `SELECT ${COLUMNS} FROM daily_rollups WHERE device_id = ? AND date_utc = ?`,
    );
    this.#put = db.prepare(
      `INSERT OR REPLACE INTO daily_rollups (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#between = prepareCells(
      db,
      `SELECT ${COLUMNS} FROM daily_rollups WHERE device_id = ? AND date_utc >= ? AND date_utc <= ?
       ORDER BY date_utc`,
    );
    this.#after = prepareCells(
      db,
      `SELECT ${COLUMNS} FROM daily_rollups WHERE (device_id, date_utc) > (?, ?)
       ORDER BY device_id, date_utc ${LIMIT}`,
    );
    this.#first = db.prepare(
      "SELECT date_utc FROM daily_rollups WHERE device_id = ? ORDER BY date_utc LIMIT 1",
    );
    this.#remove = db.prepare("DELETE FROM daily_rollups WHERE device_id = ? AND date_utc = ?");
  }

  get(deviceId: string, day: Day): Rollup | undefined {
    const cells = this.#get.get(deviceId, day);
    return cells && rollupOfCells(cells);
  }

  /** The first day that a device has. */
  firstDay(deviceId: string): Day | null {
    const raw = this.#first.get(deviceId);
    return raw ? String(raw.date_utc) : null;
  }

  /** Called inside `write`. */
  put(rollup: Rollup): void {
    this.#put.run(
      rollup.device_id,
      rollup.date_utc,
      rollup.minutes_used,
      rollup.minutes_overdraft,
      rollup.allowance_min,
      rollup.last_heartbeat_at,
      rollup.updated_at,
    );
  }

  /** Called inside `write`. */
  remove(deviceId: string, day: Day): void {
    this.#remove.run(deviceId, day);
  }

  /** Both days included; the caller limits the range. */
  between(deviceId: string, { from, to }: { from: Day; to: Day }): Rollup[] {
    return this.#between.all(deviceId, from, to).map(rollupOfCells);
  }

  /** The next rollups by device and day. */
  after(last: { device_id: string; date_utc: Day }, limit: number): Rollup[] {
    return this.#after.all(last.device_id, last.date_utc, limit).map(rollupOfCells);
  }
}

function rollupOfCells(cells: Cells): Rollup {
  const [deviceId, date, used, overdraft, allowance, lastAt, updatedAt] = cells;
  return {
    device_id: String(deviceId),
    date_utc: String(date),
    minutes_used: Number(used),
    minutes_overdraft: Number(overdraft),
    allowance_min: allowance === null ? null : Number(allowance),
    last_heartbeat_at: String(lastAt),
    updated_at: String(updatedAt),
  };
}
