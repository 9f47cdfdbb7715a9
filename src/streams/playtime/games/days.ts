/** Games by day: what was played, and what is left of a game's own allowance. @module */
import type { GameAllowance, GameDay } from "../../../contract/games.ts";
import { addDays, type Day, dayBounds, daysBetween, type Id } from "../../../core/mod.ts";
import { inSlices } from "../../../store/mod.ts";
import { type Allowance, allowanceOn } from "../days/allowance.ts";
import { minutesOfMs, msOfMinutes } from "../days/minutes.ts";
import type { Span } from "../days/slots.ts";
import type { GameSlots } from "./game_slots.ts";

export interface GameDaysOptions {
  deviceId: Id;
  from: Day;
  to: Day;
  timeZone: string;
  startsAt: string;
}

/** The games of each day from one to another, both included; read in slices. */
export async function gameDays(
  games: GameSlots,
  { deviceId, from, to, timeZone, startsAt }: GameDaysOptions,
): Promise<GameDay[]> {
  const rows: GameDay[] = [];
  const count = daysBetween(from, to) + 1;
  let read = 0;
  await inSlices((budget) => {
    do {
      const date = addDays(from, read++);
      const sums = games.sums(deviceId, dayBounds(date, timeZone, startsAt));
      for (const { usedMs, ...game } of sums) {
        rows.push({ date, ...game, minutes_used: minutesOfMs(usedMs) });
      }
    } while (read < count && budget.left());
    return read < count;
  });
  return rows;
}

/** The games of a day: first those with an allowance of their own, in their order, then what else was played. */
export function gamesOfDay(
  games: GameSlots,
  { deviceId, date, span, allowances }: {
    deviceId: Id;
    date: Day;
    span: Span;
    allowances: ReadonlyMap<string, Allowance>;
  },
): GameAllowance[] {
  const used = new Map([...allowances.keys()].map((label) => [label, 0]));
  for (const { label, usedMs } of games.sums(deviceId, span)) {
    used.set(label, Math.min((used.get(label) ?? 0) + usedMs, span.to - span.from));
  }
  return [...used].map(([label, usedMs]) => {
    const allowanceMin = allowanceOn(allowances.get(label) ?? null, date);
    return {
      label,
      allowance_min: allowanceMin,
      used_min: minutesOfMs(usedMs),
      left_min: allowanceMin === null
        ? null
        : minutesOfMs(Math.max(0, msOfMinutes(allowanceMin) - usedMs)),
    };
  });
}
