/**
 * Play by quarter of an hour, kept for ever: the days of every time zone are sums of these. A slot without
 * play has no row. One can hold more than 15 minutes: its time came twice when the clock was set back.
 * @module
 */
import type { Slot } from "../../../contract/playtime.ts";
import { type Instant, instantOf } from "../../../core/mod.ts";
import { LIMIT, type Statement, type Store } from "../../../store/mod.ts";
import { minutesOfMs, msOfMinutes } from "./minutes.ts";

/** A stretch of time, `[from, to)` in milliseconds. */
export interface Span {
  from: number;
  to: number;
}

export class Slots {
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #remove: Statement;
  readonly #between: Statement;
  readonly #sum: Statement;
  readonly #end: Statement;
  readonly #copy: Statement;
  readonly #removeUpTo: Statement;

  constructor({ db }: Store) {
    this.#get = db.prepare(
      "SELECT minutes_used FROM usage_slots WHERE device_id = ? AND slot_utc = ?",
    );
    this.#put = db.prepare(
      "INSERT OR REPLACE INTO usage_slots (device_id, slot_utc, minutes_used) VALUES (?, ?, ?)",
    );
    this.#remove = db.prepare("DELETE FROM usage_slots WHERE device_id = ? AND slot_utc = ?");
    const within = "FROM usage_slots WHERE device_id = ? AND slot_utc >= ? AND slot_utc < ?";
    this.#between = db.prepare(
      `SELECT device_id, slot_utc, minutes_used ${within} ORDER BY slot_utc`,
    );
    this.#sum = db.prepare(
      `SELECT coalesce(sum(CAST(round(minutes_used * 60000) AS INTEGER)), 0) AS ms ${within}`,
    );
    this.#end = db.prepare(
      `SELECT max(slot_utc) AS last, count(*) AS rows FROM (SELECT slot_utc FROM usage_slots
         WHERE device_id = ? ORDER BY slot_utc ${LIMIT})`,
    );
    this.#copy = db.prepare(
      `INSERT INTO usage_slots (device_id, slot_utc, minutes_used)
       SELECT ?, slot_utc, minutes_used FROM usage_slots WHERE device_id = ? AND slot_utc <= ?
       ON CONFLICT DO UPDATE SET minutes_used = max(minutes_used, excluded.minutes_used)`,
    );
    this.#removeUpTo = db.prepare("DELETE FROM usage_slots WHERE device_id = ? AND slot_utc <= ?");
  }

  /** Called inside `write`. */
  add(deviceId: string, slot: Instant, ms: number): void {
    const known = this.#get.get(deviceId, slot);
    this.put(deviceId, slot, msOfMinutes(Number(known?.minutes_used ?? 0)) + ms);
  }

  /** Sets a slot; called inside `write`. */
  put(deviceId: string, slot: Instant, ms: number): void {
    this.#put.run(deviceId, slot, minutesOfMs(ms));
  }

  /** Called inside `write`. */
  remove(deviceId: string, slot: Instant): void {
    this.#remove.run(deviceId, slot);
  }

  /** Renames the first slots of a device; returns whether more may follow. Called inside `write`. */
  rename(from: string, to: string, limit: number): boolean {
    const { last, rows } = this.#end.get(from, limit)!;
    if (last === null) return false;
    this.#copy.run(to, from, String(last));
    this.#removeUpTo.run(from, String(last));
    return Number(rows) === limit;
  }

  /** Slots with play, oldest first; the caller limits the span. */
  between(deviceId: string, { from, to }: Span): Slot[] {
    return this.#between.all(deviceId, instantOf(from), instantOf(to)).map((raw) => ({
      device_id: String(raw.device_id),
      slot_utc: String(raw.slot_utc),
      minutes_used: Number(raw.minutes_used),
    }));
  }

  /** Play within a span, at most the length of the span. */
  usedMs(deviceId: string, { from, to }: Span): number {
    const used = Number(this.#sum.get(deviceId, instantOf(from), instantOf(to))?.ms);
    return Math.min(used, to - from);
  }
}
