/**
 * Days as they are shown: UTC days from their rollups, the days of another time zone from slots, and zeros
 * for a day without data.
 * @module
 */
import {
  addDays,
  type Day,
  dayAt,
  dayBounds,
  daysBetween,
  type Instant,
  msOf,
} from "../../core/mod.ts";
import { type Allowance, allowanceOn, overdraft } from "./allowance.ts";
import { minutesOfMs } from "./minutes.ts";
import type { Rollup } from "./rollups.ts";
import type { Tables } from "./tables.ts";

export interface DayView {
  readonly device_id: string;
  /** The day, as `time_zone` counts days. */
  readonly date_utc: Day;
  readonly time_zone: string;
  readonly minutes_used: number;
  readonly minutes_overdraft: number;
  /** Null: there is no limit. */
  readonly allowance_min: number | null;
  readonly last_heartbeat_at: Instant | null;
  readonly updated_at: Instant | null;
}

export interface DayOptions {
  deviceId: string;
  allowance: Allowance;
}

/** The UTC days from one to another, both included. */
export function utcDays(
  { rollups }: Tables,
  { from, to }: { from: Day; to: Day },
  { deviceId, allowance }: DayOptions,
): DayView[] {
  const known = new Map(rollups.between(deviceId, { from, to }).map((row) => [row.date_utc, row]));
  return Array.from({ length: daysBetween(from, to) + 1 }, (_, index) => {
    const day = addDays(from, index);
    const rollup = known.get(day);
    if (rollup) return { ...rollup, time_zone: "UTC" };
    return {
      device_id: deviceId,
      date_utc: day,
      minutes_used: 0,
      minutes_overdraft: 0,
      allowance_min: allowanceOn(allowance, day),
      last_heartbeat_at: null,
      updated_at: null,
      time_zone: "UTC",
    };
  });
}

/** A day of a time zone. */
export function zoneDay(
  { rollups, slots }: Tables,
  { day, timeZone }: { day: Day; timeZone: string },
  { deviceId, allowance }: DayOptions,
): DayView {
  const span = dayBounds(day, timeZone);
  const minutesUsed = minutesOfMs(slots.usedMs(deviceId, span));
  const allowanceMin = allowanceOn(allowance, day);
  const parts = rollups.between(deviceId, { from: dayAt(span.from), to: dayAt(span.to - 1) });
  return {
    device_id: deviceId,
    date_utc: day,
    time_zone: timeZone,
    minutes_used: minutesUsed,
    minutes_overdraft: overdraft(minutesUsed, allowanceMin),
    allowance_min: allowanceMin,
    last_heartbeat_at: newest(parts, "last_heartbeat_at", span),
    updated_at: newest(parts, "updated_at", { from: span.from, to: Infinity }),
  };
}

/** The newest of the instants that the day's UTC days remember and that lie within it. */
function newest(
  parts: readonly Rollup[],
  field: "last_heartbeat_at" | "updated_at",
  { from, to }: { from: number; to: number },
): Instant | null {
  const instants = parts.map((rollup) => rollup[field])
    .filter((instant) => msOf(instant) >= from && msOf(instant) < to);
  return instants.sort().at(-1) ?? null;
}
