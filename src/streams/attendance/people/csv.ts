/**
 * Lists of people as spreadsheets and other programs write them, read record by record: one that is broken spoils no
 * other.
 * @module
 */
import { parse } from "csv-parse/sync";

/** A line of the list, or why it cannot be used. Lines count from 1, the headings' is the first. */
export type CsvRecord =
  | { line: number; cells: string[] }
  | { line: number; message: string };

const SEPARATORS = [",", ";", "\t"];
/** Lines that a cell in quotes may go over. */
const MAX_RECORD_LINES = 20;

/** The text of a file: UTF-8 or UTF-16 as it says itself, else UTF-8 where it is that, else Windows-1252. */
export function decodeCsv(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** The records of a text in order, blank lines left out. What separates cells is seen in the first line. */
export function* readCsv(text: string): Generator<CsvRecord> {
  let delimiter: string | undefined;
  const lines = text.split(/\r\n|\n|\r/);
  for (let at = 0; at < lines.length;) {
    const line = at + 1;
    const lengths = [recordLines(lines, at), 1];
    let cells: string[] | undefined;
    for (const length of lengths) {
      const record = lines.slice(at, line - 1 + length).join("\n");
      delimiter ??= record.trim() === "" ? undefined : separatorOf(record);
      cells = cellsOf(record, delimiter);
      if (!cells) continue;
      at += length;
      break;
    }
    if (!cells) {
      at++;
      yield { line, message: "a quotation mark is open, or stands inside a cell" };
    } else if (cells.length > 0) yield { line, cells };
  }
}

/** Undefined where it is broken, and no cell of a blank line. */
function cellsOf(record: string, delimiter = ","): string[] | undefined {
  try {
    const [cells = []] = parse(record, {
      delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    });
    return cells;
  } catch {
    return undefined;
  }
}

/** How many lines a record has: as many as it takes to close its quotes, else the first alone. */
function recordLines(lines: readonly string[], from: number): number {
  let open = false;
  for (let count = 1; count <= MAX_RECORD_LINES && from + count <= lines.length; count++) {
    const quotes = lines[from + count - 1]!.split('"').length - 1;
    if (quotes % 2 === 1) open = !open;
    if (!open) return count;
  }
  return 1;
}

/** The separator that stands most often outside quotes. */
function separatorOf(record: string): string {
  const plain = record.replace(/"[^"]*"/g, "");
  const count = (separator: string) => plain.split(separator).length;
  return SEPARATORS.toSorted((a, b) => count(b) - count(a))[0]!;
}
