/**
 * Rows as text for spreadsheets: comma, CRLF, no number written in a locale's way (RFC 4180). What a device calls a
 * person must not run as a formula in a spreadsheet.
 * @module
 */

/** What Excel needs to read a file as UTF-8. */
export const CSV_BOM = "\uFEFF";

/** A value as a field; text that begins like a formula gets an apostrophe before it. */
export function csvField(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value.replace(/^(?=[=+\-@\t\r])/, "'") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(csvField).join(",")}\r\n`;
}
