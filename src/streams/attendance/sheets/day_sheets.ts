/**
 * Sheets of days: what one person did on one day, by the clock of the door. A stay belongs to the day on which it
 * began, also when it ends on the next.
 * @module
 */
import type { Day } from "../../../core/mod.ts";
import type { StayLimit } from "./direction.ts";
import { type DirectedPunch, type Stay, staysOf } from "./stays.ts";

/** A punch as sheets read it. */
export interface SheetPunch extends DirectedPunch {
  /** The device's wall time, `YYYY-MM-DD HH:MM:SS`, in `timeZone`. */
  deviceTime: string;
  timeZone: string;
  deviceSn: string;
  /** Whether a person has added it. */
  corrected: boolean;
}

export interface DaySheet {
  personId: string;
  date: Day;
  /** The zone of the day's first punch. */
  timeZone: string;
  stays: Stay<SheetPunch>[];
  firstIn: SheetPunch | null;
  /** The end of the day's last stay; may be on the next day. */
  lastOut: SheetPunch | null;
  minutesInside: number;
  missingIn: boolean;
  /** Whether an exit is missing; who may still be inside has forgotten none. */
  missingOut: boolean;
  corrected: boolean;
}

const MINUTE_MS = 60_000;

/** The days of one person, whose punches are in the order of time, from one day to another. */
export function daySheets(
  punches: readonly SheetPunch[],
  { personId, from, to, nowMs, maxStayMs }: StayLimit & {
    personId: string;
    from: Day;
    to: Day;
    nowMs: number;
  },
): DaySheet[] {
  const stays = staysOf(punches, { maxStayMs });
  const days = Map.groupBy(stays, (stay) => (stay.in ?? stay.out).deviceTime.slice(0, 10));
  const last = stays.at(-1);
  const mayBeInside = (stay: Stay<SheetPunch>) =>
    stay === last && stay.in !== null && nowMs - stay.in.atMs <= maxStayMs;
  const within = [...days].filter(([date]) => date >= from && date <= to);
  return within.map(([date, stays]) => {
    const begun = stays.flatMap((stay) => stay.in ? [stay.in] : []);
    const ended = stays.flatMap(({ out }) => out ? [out] : []);
    const insideMs = stays.reduce(
      (sum, stay) => stay.in && stay.out ? sum + stay.out.atMs - stay.in.atMs : sum,
      0,
    );
    return {
      personId,
      date,
      timeZone: (stays[0]!.in ?? stays[0]!.out!).timeZone,
      stays,
      firstIn: begun[0] ?? null,
      lastOut: ended.at(-1) ?? null,
      minutesInside: Math.round(insideMs / MINUTE_MS),
      missingIn: begun.length < stays.length,
      missingOut: stays.some((stay) => !stay.out && !mayBeInside(stay)),
      corrected: [...begun, ...ended].some(({ corrected }) => corrected),
    };
  });
}
