/** Prints rows page by page: CSV for spreadsheets, JSON for programs, columns for people. @module */
import { csvLine } from "../contract/csv.ts";
import type { Output } from "./io.ts";
import { columns as aligned } from "./terminal.ts";

export type ExportRow = Readonly<Record<string, unknown>>;

/** Prints rows in the format that was asked for; CSV has these columns, their names first. */
export async function writeRows(
  output: Output,
  pages: AsyncIterable<ExportRow[]>,
  { format, columns }: { format: "csv" | "json"; columns: readonly string[] },
): Promise<void> {
  await (format === "csv" ? writeCsv(output, pages, columns) : writeJson(output, pages));
}

/** Rows as CSV; a terminal gets control characters spelled out. */
export async function writeCsv(
  output: Output,
  pages: AsyncIterable<ExportRow[]>,
  columns: readonly string[],
): Promise<void> {
  const write = (text: string) => output.terminal ? output.write(text) : output.raw(text);
  write(csvLine(columns));
  for await (const rows of pages) {
    write(rows.map((row) => csvLine(columns.map((column) => row[column]))).join(""));
  }
}

/** Rows as one JSON array. */
export async function writeJson(output: Output, pages: AsyncIterable<ExportRow[]>): Promise<void> {
  let separator = "[\n";
  for await (const rows of pages) {
    let text = "";
    for (const row of rows) {
      text += separator + JSON.stringify(row);
      separator = ",\n";
    }
    output.write(text);
  }
  output.write(separator === "[\n" ? "[]\n" : "\n]\n");
}

/** A list for people in columns, for scripts as a line of JSON for each row. */
export async function writeList<T>(
  output: Output,
  pages: AsyncIterable<T[]>,
  { json, row, none }: { json: boolean; row: (row: T) => string[]; none: string },
): Promise<void> {
  let rows = 0;
  for await (const page of pages) {
    rows += page.length;
    output.write(json ? jsonLines(page) : aligned(page.map(row)));
  }
  if (rows === 0 && !json) output.write(`${none}\n`);
}

export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** One value as JSON with line breaks. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
