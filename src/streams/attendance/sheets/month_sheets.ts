/** Sheets of months: the days of one person, summed up. @module */
import type { DaySheet } from "./day_sheets.ts";

export interface MonthSheet {
  personId: string;
  /** `YYYY-MM` */
  month: string;
  /** On how many days there was a punch. */
  days: number;
  minutesInside: number;
  /** On how many days an entry is missing, and on how many an exit. */
  missingIn: number;
  missingOut: number;
}

/** Adds days of one month to the sheets of their persons. */
export function addDaysTo(sheets: Map<string, MonthSheet>, days: Iterable<DaySheet>): void {
  for (const { personId, date, minutesInside, missingIn, missingOut } of days) {
    const month = date.slice(0, 7);
    const sheet = sheets.get(personId) ??
      { personId, month, days: 0, minutesInside: 0, missingIn: 0, missingOut: 0 };
    sheets.set(personId, sheet);
    sheet.days++;
    sheet.minutesInside += minutesInside;
    sheet.missingIn += Number(missingIn);
    sheet.missingOut += Number(missingOut);
  }
}
