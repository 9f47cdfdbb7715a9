/** Days as the API shows them: UTC days from rollups, days of other time zones from slots; zeros without data. @module */
import type { DayView } from "../../../contract/playtime.ts";
import {
  addDays,
  type Day,
  dayAt,
  dayBounds,
  daysBetween,
  type Instant,
  msOf,
} from "../../../core/mod.ts";
import { inSlices } from "../../../store/mod.ts";
import type { AllowanceRules } from "../allowance/rules.ts";
import { allowanceOn, overdraft } from "./allowance.ts";
import { minutesOfMs } from "./minutes.ts";
import type { Rollup } from "./rollups.ts";
import type { Tables } from "../tables.ts";

export interface DayOptions {
  deviceId: string;
  rules: AllowanceRules;
}

export function utcDay({ rollups }: Tables, date: Day, options: DayOptions): DayView {
  return utcView(rollups.get(options.deviceId, date), date, options);
}

/** The UTC days from one to another, both included. */
export function utcDays(
  { rollups }: Tables,
  { from, to }: { from: Day; to: Day },
  options: DayOptions,
): DayView[] {
  const known = new Map(
    rollups.between(options.deviceId, { from, to }).map((row) => [row.date_utc, row]),
  );
  return Array.from({ length: daysBetween(from, to) + 1 }, (_, index) => {
    const date = addDays(from, index);
    return utcView(known.get(date), date, options);
  });
}

function utcView(
  rollup: Rollup | undefined,
  date: Day,
  { deviceId, rules }: DayOptions,
): DayView {
  return {
    device_id: deviceId,
    date,
    date_utc: date,
    time_zone: "UTC",
    minutes_used: rollup?.minutes_used ?? 0,
    minutes_overdraft: rollup?.minutes_overdraft ?? 0,
    allowance_min: rollup ? rollup.allowance_min : allowanceOn(rules.daily, date),
    last_heartbeat_at: rollup?.last_heartbeat_at ?? null,
    updated_at: rollup?.updated_at ?? null,
  };
}

/** What `read` returns for each day from one to another, both included; read in slices. */
export async function inDays<T>(
  { from, to }: { from: Day; to: Day },
  read: (date: Day) => T,
): Promise<T[]> {
  const found: T[] = [];
  const count = daysBetween(from, to) + 1;
  await inSlices((budget) => {
    do found.push(read(addDays(from, found.length))); while (found.length < count && budget.left());
    return found.length < count;
  });
  return found;
}

/** A day of a time zone, which begins when the person's days do. */
export function zoneDay(
  { rollups, slots, grants }: Tables,
  { date, timeZone }: { date: Day; timeZone: string },
  { deviceId, rules }: DayOptions,
): DayView {
  const span = dayBounds(date, timeZone, rules.startsAt);
  const usedMs = slots.usedMs(deviceId, span);
  const grantedMs = grants.grantedMs(deviceId, { from: date, to: date });
  const allowanceMin = allowanceOn(rules.daily, date);
  const parts = rollups.between(deviceId, { from: dayAt(span.from), to: dayAt(span.to - 1) });
  return {
    device_id: deviceId,
    date,
    date_utc: date,
    time_zone: timeZone,
    minutes_used: minutesOfMs(usedMs),
    minutes_overdraft: overdraft(usedMs, { allowanceMin, grantedMs }),
    allowance_min: allowanceMin,
    last_heartbeat_at: newest(parts, "last_heartbeat_at", span),
    updated_at: newest(parts, "updated_at", { from: span.from, to: Infinity }),
  };
}

/** The newest instant of the day's UTC days that lies within the span. */
function newest(
  parts: readonly Rollup[],
  field: "last_heartbeat_at" | "updated_at",
  { from, to }: { from: number; to: number },
): Instant | null {
  const instants = parts.map((rollup) => rollup[field])
    .filter((instant) => msOf(instant) >= from && msOf(instant) < to);
  return instants.sort().at(-1) ?? null;
}
