/**
 * Decodes one B-tree page of a table: its rows (cells), or the pages below it. A cell that is not consistent is skipped,
 * so that a damaged page yields its intact rows.
 *
 *     0        8 (12)                                                       4096
 *     │ header │ cell pointers ──►  free space  ◄── cell │ cell │ … │ cell │
 *       type (13, 5: rowid · 10, 2: key), count             │
 *       right-most child (interior)                         └ length │ rowid │ record │ overflow page
 *     A record is a list of types, then the values: https://www.sqlite.org/fileformat2.html#b_tree_pages
 * @module
 */
import { PAGE_BYTES } from "./pages.ts";

export type Value = null | number | string | Uint8Array;

/** A row as it is stored. */
export interface StoredRow {
  /** Absent in a table WITHOUT ROWID. */
  rowid?: number;
  values: Value[];
}

/** Between which rowids those of a page lie: more than `above`, at most `upTo`. */
export interface RowidRange {
  above: number;
  upTo: number;
}

/** A page below an inner one. */
export interface ChildPage extends RowidRange {
  page: number;
}

export const ANY_ROWID: RowidRange = { above: -Infinity, upTo: Infinity };

export interface PageContent {
  rows: StoredRow[];
  children: ChildPage[];
  /** Cells that could not be read. */
  unreadable: number;
}

/** How a table is stored: by rowid, or by its key (WITHOUT ROWID). */
export type Layout = "rowid" | "key";

export interface PageOptions {
  layout: Layout;
  /** Whether it is the file's first page. */
  first: boolean;
  range?: RowidRange;
  /** Reads an overflow page. */
  next: (page: number) => Uint8Array;
}

/** The content of a page; undefined when it is not of such a table. */
export function readPage(
  bytes: Uint8Array,
  { layout, first, range = ANY_ROWID, next }: PageOptions,
): PageContent | undefined {
  const content: PageContent = { rows: [], children: [], unreadable: 0 };
  // The first page begins with the header of the file.
  const header = first ? 100 : 0;
  if (bytes.length < header + 12) return undefined;
  // A type that is not of the other layout is damaged, and most pages are leaves.
  const type = bytes[header];
  const inner = type === (layout === "rowid" ? 5 : 2);
  if (layout === "rowid" ? type === 2 || type === 10 : type === 5 || type === 13) return undefined;
  const count = uint(bytes, header + 3, 2);
  const pointers = header + (inner ? 12 : 8);
  if (pointers + 2 * count > bytes.length) return undefined;
  let { above } = range;
  for (let i = 0; i < count; i++) {
    try {
      let at = uint(bytes, pointers + 2 * i, 2);
      if (inner) {
        const child = { page: uint(bytes, at, 4), above, upTo: Infinity };
        content.children.push(child);
        at += 4;
        if (layout === "rowid") {
          child.upTo = above = new Reader(bytes, at).varint();
          continue;
        }
      }
      content.rows.push(readRow(new Reader(bytes, at), { layout, next }));
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      content.unreadable++;
    }
  }
  if (inner) content.children.push({ page: uint(bytes, header + 8, 4), above, upTo: range.upTo });
  if (layout === "rowid") {
    const rows = inOrder(content.rows, range);
    content.unreadable += content.rows.length - rows.length;
    content.rows = rows;
  }
  return content;
}

/** Without the rows that have a wrong rowid: it is not between those of its neighbours. */
function inOrder(rows: readonly StoredRow[], { above, upTo }: RowidRange): StoredRow[] {
  // Where most rows are below the range, it is the range that is wrong.
  const below = rows.filter(({ rowid = 0 }) => rowid <= above).length;
  let before = 2 * below > rows.length ? -Infinity : above;
  return rows.filter(({ rowid = 0 }, index) => {
    const after = rows[index + 1]?.rowid ?? upTo + 1;
    // Of two with the same one it is not known which is wrong.
    if (rowid === rows[index - 1]?.rowid) return false;
    // Where what comes after is not above what came before, it is the one that is wrong.
    const fits = rowid > before && (rowid < after || after <= before);
    if (fits) before = rowid;
    return fits;
  });
}

function readRow(
  reader: Reader,
  { layout, next }: { layout: Layout; next: (page: number) => Uint8Array },
): StoredRow {
  const length = reader.varint();
  const rowid = layout === "rowid" ? reader.varint() : undefined;
  const values = readRecord(payload(reader, length, { layout, next }));
  return rowid === undefined ? { values } : { rowid, values };
}

/** Far above any row of ours: a greater length is damaged. */
const MAX_ROW_BYTES = 1 << 26;

/** A row's bytes: those on its page, and those on its overflow pages. */
function payload(
  reader: Reader,
  length: number,
  { layout, next }: { layout: Layout; next: (page: number) => Uint8Array },
): Uint8Array {
  const most = layout === "rowid" ? PAGE_BYTES - 35 : (((PAGE_BYTES - 12) * 64 / 255) | 0) - 23;
  if (length <= most) return reader.bytes(length);
  if (length > MAX_ROW_BYTES) throw new RangeError("longer than any row");
  const least = (((PAGE_BYTES - 12) * 32 / 255) | 0) - 23;
  const fitting = least + (length - least) % (PAGE_BYTES - 4);
  const whole = new Uint8Array(length);
  let filled = fitting <= most ? fitting : least;
  whole.set(reader.bytes(filled));
  let page = uint(reader.bytes(4), 0, 4);
  while (filled < length) {
    const bytes = next(page);
    const part = bytes.subarray(4, 4 + length - filled);
    if (page === 0 || part.length === 0) throw new RangeError("the row is cut");
    whole.set(part, filled);
    filled += part.length;
    page = uint(bytes, 0, 4);
  }
  return whole;
}

/** https://www.sqlite.org/fileformat2.html#record_format */
function readRecord(bytes: Uint8Array): Value[] {
  const header = new Reader(bytes, 0);
  const end = header.varint();
  if (end > bytes.length) throw new RangeError("the header is longer than the row");
  const body = new Reader(bytes, end);
  const values: Value[] = [];
  while (header.at < end) values.push(readValue(body, header.varint()));
  if (header.at !== end || body.at !== bytes.length) throw new RangeError("lengths do not agree");
  return values;
}

const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readValue(body: Reader, type: number): Value {
  if (type === 0) return null;
  if (type <= 6) return body.integer(INTEGER_BYTES[type]!);
  if (type === 7) return body.float();
  if (type <= 9) return type - 8;
  if (type <= 11) throw new RangeError("no such type");
  const bytes = body.bytes((type - 12) >> 1);
  // Text that is not UTF-8 is damaged.
  return type % 2 === 0 ? bytes.slice() : utf8.decode(bytes);
}

/** Reads bytes in order, never beyond their end. */
class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** At most 2^53, which no length or rowid exceeds. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = this.bytes(1)[0]!;
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return this.#safe(value);
    }
    throw new RangeError("a number too large");
  }

  integer(length: number): number {
    const [first = 0, ...rest] = this.bytes(length);
    return this.#safe(rest.reduce((value, byte) => value * 256 + byte, (first << 24) >> 24));
  }

  float(): number {
    const bytes = this.bytes(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0);
  }

  bytes(length: number): Uint8Array {
    const end = this.at + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError("the page is cut");
    const bytes = this.#bytes.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw new RangeError("a number too large");
    return value;
  }
}

/** A big-endian unsigned integer. */
export function uint(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw new RangeError("the page is cut");
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + bytes[at + i]!;
  return value;
}
