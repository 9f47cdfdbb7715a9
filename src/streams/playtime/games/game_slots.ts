/**
 * Play of each game by quarter of an hour, as `usage_slots` has it of all play. Games that ran at the same time each have
 * that time. The view `daily_games` has the UTC days.
 * @module
 */
import { type Id, type Instant, instantOf } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import { minutesOfMs } from "../days/minutes.ts";
import { type SlotRenamer, slotRenamer, type Span } from "../days/slots.ts";
import type { Game } from "../processes/matchers.ts";

/** Play of a game within a span. */
export interface GameSum extends Game {
  readonly usedMs: number;
}

export class GameSlots {
  readonly #add: Statement;
  readonly #of: Statement;
  readonly #sums: Statement;
  /** Called inside `write`. */
  readonly rename: SlotRenamer;

  constructor(store: Store) {
    const { db } = store;
    const columns = "slot_utc, label, process_name, minutes_used";
    this.rename = slotRenamer(store, { table: "game_slots", columns });
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
  }

  /** Called inside `write`. */
  add(deviceId: Id, slot: Instant, { label, process_name, ms }: Game & { ms: number }): void {
    this.#add.run(deviceId, slot, label, process_name, minutesOfMs(ms));
  }

  /**
   * Raises the minutes of a process to the sum of its heartbeats, under the label that the slot already has; called
   * inside `write`. Never lowers them: a heartbeat names one game, and other games of its time stand only here.
   */
  raise(deviceId: Id, slot: Instant, { label, process_name, ms }: Game & { ms: number }): void {
    const known = this.#of.all(deviceId, slot, process_name);
    const missing = known.reduce((rest, row) => rest - Number(row.ms), ms);
    if (missing <= 0) return;
    const named = known[0] ? String(known[0].label) : label;
    this.add(deviceId, slot, { label: named, process_name, ms: missing });
  }

  /** Play within a span, by label and process; each at most the length of the span. */
  sums(deviceId: Id, { from, to }: Span): GameSum[] {
    return this.#sums.all(deviceId, instantOf(from), instantOf(to)).map((row) => ({
      label: String(row.label),
      process_name: String(row.process_name),
      usedMs: Math.min(Number(row.ms), to - from),
    }));
  }
}
