/** Play of games by day, and what is left of a game's own allowance. @module */
import type { GameAllowance, GameDay } from "../../../contract/games.ts";
import { type Day, dayBounds, type Id } from "../../../core/mod.ts";
import { type Allowance, allowanceOn } from "../days/allowance.ts";
import { inDays } from "../days/days.ts";
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
  const days = await inDays(
    { from, to },
    (date) =>
      games.sums(deviceId, dayBounds(date, timeZone, startsAt))
        .map(({ usedMs, ...game }) => ({ date, ...game, minutes_used: minutesOfMs(usedMs) })),
  );
  return days.flat();
}

/** The games of a day: those with an allowance of their own first, then the others. */
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
