/** Days as a spreadsheet takes them: comma, CRLF, no number written in a locale's way. @module */
import { csvLine } from "../../contract/csv.ts";
import type { PlayDay } from "../source/source.ts";

export function daysCsv(days: readonly PlayDay[]): string {
  const head = ["date", "time_zone", "minutes_used", "allowance_min", "minutes_overdraft"];
  const rows = days.map((day) => [
    day.date_utc,
    day.time_zone,
    day.minutes_used,
    day.allowance_min ?? "",
    day.minutes_overdraft,
  ]);
  return [head, ...rows].map(csvLine).join("");
}
