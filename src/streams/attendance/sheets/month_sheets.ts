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

/** The months of some days, each person and month once, in the order in which they come. */
export function monthSheets(days: Iterable<DaySheet>): MonthSheet[] {
  const months = new Map<string, MonthSheet>();
  for (const { personId, date, minutesInside, missingIn, missingOut } of days) {
    const month = date.slice(0, 7);
    const key = `${month} ${personId}`;
    const sheet = months.get(key) ??
      { personId, month, days: 0, minutesInside: 0, missingIn: 0, missingOut: 0 };
    months.set(key, sheet);
    sheet.days++;
    sheet.minutesInside += minutesInside;
    sheet.missingIn += Number(missingIn);
    sheet.missingOut += Number(missingOut);
  }
  return [...months.values()];
}
