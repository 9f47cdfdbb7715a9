/**
 * Play by quarter of an hour, kept for ever: the days of every time zone are sums of slots. A slot without play has no
 * row. A slot can hold more than 15 minutes: when the clock is set back, its time comes twice.
 * @module
 */
import type { Slot } from "../../../contract/playtime.ts";
import { type Id, type Instant, instantOf } from "../../../core/mod.ts";
import { LIMIT, type Statement, type Store } from "../../../store/mod.ts";
import { minutesOfMs, msOfMinutes } from "./minutes.ts";

/** A span of time, `[from, to)` in milliseconds. */
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
  /** Called inside `write`. */
  readonly rename: SlotRenamer;

  constructor(store: Store) {
    const { db } = store;
    this.rename = slotRenamer(store, { table: "usage_slots", columns: "slot_utc, minutes_used" });
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

/** Gives the first `limit` slots of a device another device id. Returns whether there may be more. */
export type SlotRenamer = (from: Id, to: Id, limit: number) => boolean;

/** Where both ids have a slot, the larger number of minutes stays. */
export function slotRenamer(
  { db }: Store,
  { table, columns }: { table: string; columns: string },
): SlotRenamer {
  const end = db.prepare(
    `SELECT max(slot_utc) AS last, count(*) AS rows FROM (SELECT slot_utc FROM ${table}
       WHERE device_id = ? ORDER BY slot_utc ${LIMIT})`,
  );
  const copy = db.prepare(
    `INSERT INTO ${table} (device_id, ${columns})
     SELECT ?, ${columns} FROM ${table} WHERE device_id = ? AND slot_utc <= ?
     ON CONFLICT DO UPDATE SET minutes_used = max(minutes_used, excluded.minutes_used)`,
  );
  const removeUpTo = db.prepare(`DELETE FROM ${table} WHERE device_id = ? AND slot_utc <= ?`);
  return (from, to, limit) => {
    const { last, rows } = end.get(from, limit)!;
    if (last === null) return false;
    copy.run(to, from, String(last));
    removeUpTo.run(from, String(last));
    return Number(rows) === limit;
  };
}
