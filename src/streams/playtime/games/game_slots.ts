/**
 * Play of each game by quarter of an hour, kept for ever: the days of every time zone are sums of these. The view
 * `daily_games` has the UTC days. Games that ran at the same time each have that time.
 * @module
 */
import { type Id, type Instant, instantOf } from "../../../core/mod.ts";
import { LIMIT, type Statement, type Store } from "../../../store/mod.ts";
import { minutesOfMs } from "../days/minutes.ts";
import type { Span } from "../days/slots.ts";
import type { Game } from "../processes/matchers.ts";

/** What a game was played in a span. */
export interface GameSum extends Game {
  readonly usedMs: number;
}

export class GameSlots {
  readonly #add: Statement;
  readonly #of: Statement;
  readonly #sums: Statement;
  readonly #end: Statement;
  readonly #copy: Statement;
  readonly #removeUpTo: Statement;

  constructor({ db }: Store) {
    this.#add = db.prepare(
      `INSERT INTO game_slots (device_id, slot_utc, label, process_name, minutes_used)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET
         minutes_used = (round(minutes_used * 60000) + round(excluded.minutes_used * 60000)) / 60000`,
    );
    const ms = "CAST(round(minutes_used * 60000) AS INTEGER)";
    this.#of = db.prepare(
      `SELECT label, process_name, ${ms} AS ms FROM game_slots
       WHERE device_id = ? AND slot_utc = ? AND process_name = ?`,
    );
    this.#sums = db.prepare(
      `SELECT label, process_name, sum(${ms}) AS ms FROM game_slots
       WHERE device_id = ? AND slot_utc >= ? AND slot_utc < ? GROUP BY 1, 2 ORDER BY 1, 2`,
    );
    this.#end = db.prepare(
      `SELECT max(slot_utc) AS last, count(*) AS rows FROM (SELECT slot_utc FROM game_slots
         WHERE device_id = ? ORDER BY slot_utc ${LIMIT})`,
    );
    this.#copy = db.prepare(
      `INSERT INTO game_slots (device_id, slot_utc, label, process_name, minutes_used)
       SELECT ?, slot_utc, label, process_name, minutes_used FROM game_slots
       WHERE device_id = ? AND slot_utc <= ?
       ON CONFLICT DO UPDATE SET minutes_used = max(minutes_used, excluded.minutes_used)`,
    );
    this.#removeUpTo = db.prepare("DELETE FROM game_slots WHERE device_id = ? AND slot_utc <= ?");
  }

  /** Called inside `write`. */
  add(deviceId: Id, slot: Instant, { label, process_name, ms }: Game & { ms: number }): void {
    this.#add.run(deviceId, slot, label, process_name, minutesOfMs(ms));
  }

  /**
   * Raises a process to what its heartbeats come to, under the label it has there already; called inside `write`. Never
   * lowers: a heartbeat names one game only, so the others of its time are known here alone.
   */
  raise(deviceId: Id, slot: Instant, { label, process_name, ms }: Game & { ms: number }): void {
    const known = this.#of.all(deviceId, slot, process_name);
    const missing = known.reduce((rest, row) => rest - Number(row.ms), ms);
    if (missing <= 0) return;
    const named = known[0] ? String(known[0].label) : label;
    this.add(deviceId, slot, { label: named, process_name, ms: missing });
  }

  /** Renames the first slots of a device; returns whether more may follow. Called inside `write`. */
  rename(from: Id, to: Id, limit: number): boolean {
    const { last, rows } = this.#end.get(from, limit)!;
    if (last === null) return false;
    this.#copy.run(to, from, String(last));
    this.#removeUpTo.run(from, String(last));
    return Number(rows) === limit;
  }

  /** What was played in a span, by label and process; each at most the length of the span. */
  sums(deviceId: Id, { from, to }: Span): GameSum[] {
    return this.#sums.all(deviceId, instantOf(from), instantOf(to)).map((row) => ({
      label: String(row.label),
      process_name: String(row.process_name),
      usedMs: Math.min(Number(row.ms), to - from),
    }));
  }
}
