/** Sheets of months: the days of one person, summed up. @module */
import type { AttendanceMonth } from "../../../contract/attendance.ts";
import type { DaySheet } from "./day_sheets.ts";

export type MonthSheet = Omit<AttendanceMonth, "name" | "department">;

/** Adds days of one month to the sheets of their persons. */
export function addDaysTo(sheets: Map<string, MonthSheet>, days: Iterable<DaySheet>): void {
  for (const { personId, date, minutesInside, missingIn, missingOut } of days) {
    const sums = { days: 0, minutes_inside: 0, missing_out: 0, missing_in: 0 };
    const sheet = sheets.get(personId) ??
      { person_id: personId, month: date.slice(0, 7), ...sums };
    sheets.set(personId, sheet);
    sheet.days++;
    sheet.minutes_inside += minutesInside;
    sheet.missing_in += Number(missingIn);
    sheet.missing_out += Number(missingOut);
  }
}
