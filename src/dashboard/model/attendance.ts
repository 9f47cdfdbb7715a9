/** Attendance sheets as text: ranges to choose from, times by the clock of the door, marks. @module */
import type { AttendanceDay, Person } from "../../contract/attendance.ts";
import { clock, number, shortDay } from "./format.ts";
import { addDays, type Day, dayAt } from "./zones.ts";

export interface SheetRange {
  readonly from: Day;
  readonly to: Day;
}

/** Ranges of the day sheet and of the month sheet, by name. */
export function quickRanges(
  today: Day,
  by: "days" | "months",
): Readonly<Record<string, SheetRange>> {
  const month = firstOfMonth(today);
  const lastMonth = { from: monthsBefore(month, 1), to: addDays(month, -1) };
  const thisMonth = { from: month, to: today };
  if (by === "months") {
    return {
      "This month": thisMonth,
      "Last month": lastMonth,
      "12 months": { from: monthsBefore(month, 11), to: today },
    };
  }
  return {
    "Today": { from: today, to: today },
    "Yesterday": { from: addDays(today, -1), to: addDays(today, -1) },
    "7 days": { from: addDays(today, -6), to: today },
    "This month": thisMonth,
    "Last month": lastMonth,
  };
}

function firstOfMonth(day: Day): Day {
  return `${day.slice(0, 7)}-01`;
}

function monthsBefore(first: Day, count: number): Day {
  const [year, month] = first.split("-").map(Number);
  return new Date(Date.UTC(year!, month! - 1 - count, 1)).toISOString().slice(0, 10);
}

/** `8:05`: hours and minutes. */
export function hours(minutes: number): string {
  return `${number(Math.floor(minutes / 60))}:${String(minutes % 60).padStart(2, "0")}`;
}

type DayTimes = Pick<AttendanceDay, "date" | "time_zone">;

/** `22:04`; on another day than the sheet's `3 Mar, 06:02`. */
export function doorTime(at: string | null, { date, time_zone }: DayTimes): string {
  if (at === null) return "–";
  const ms = Date.parse(at);
  const day = dayAt(ms, time_zone);
  return `${day === date ? "" : `${shortDay(day)}, `}${clock(ms, time_zone)}`;
}

/** `08:02 – 12:00, 12:31 – ?` */
export function pairsText({ pairs, ...day }: DayTimes & Pick<AttendanceDay, "pairs">): string {
  const half = (at: string | null) => at === null ? "?" : doorTime(at, day);
  return pairs.map((pair) => `${half(pair.in)} – ${half(pair.out)}`).join(", ");
}

/** What a reader has to know about a day before relying on it. */
export function dayMarks(
  { missing_in, missing_out, corrected }: Pick<
    AttendanceDay,
    "missing_in" | "missing_out" | "corrected"
  >,
): { text: string; warn: boolean }[] {
  return [
    ...(missing_in ? [{ text: "entry missing", warn: true }] : []),
    ...(missing_out ? [{ text: "exit missing", warn: true }] : []),
    ...(corrected ? [{ text: "corrected", warn: false }] : []),
  ];
}

type Searched = Pick<Person, "person_id" | "name" | "department" | "aliases" | "active">;

/** The people whose name, department or ids contain the text; those who have left only where they are asked for. */
export function searchPeople<P extends Searched>(
  people: readonly P[],
  { text, withLeft }: { text: string; withLeft: boolean },
): P[] {
  const wanted = text.trim().toLowerCase();
  return people.filter(({ active, person_id, name, department, aliases }) =>
    (active || withLeft) &&
    [person_id, name, department, ...aliases].some((field) => field?.toLowerCase().includes(wanted))
  );
}

/** What a list changes about a person: `name Ann → Ann Smith`. */
export function personChanges(before: Person, after: Person): string[] {
  const text = (value: Person[keyof Person]) =>
    Array.isArray(value) ? value.join(" ") || "–" : value === null ? "–" : String(value);
  return (["name", "department", "active", "aliases"] as const)
    .filter((key) => text(before[key]) !== text(after[key]))
    .map((key) => `${key} ${text(before[key])} → ${text(after[key])}`);
}
