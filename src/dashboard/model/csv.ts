/** Days as a spreadsheet takes them: comma, CRLF, no number written in a locale's way. @module */
import type { DayView } from "../live/answers.ts";

export function daysCsv(days: readonly DayView[]): string {
  const head = ["date", "time_zone", "minutes_used", "allowance_min", "minutes_overdraft"];
  const rows = days.map((day) => [
    day.date_utc,
    day.time_zone,
    day.minutes_used,
    day.allowance_min ?? "",
    day.minutes_overdraft,
  ]);
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
