/**
 * The header of a database file, read without SQLite: whether it is one, whose, and which. Two of its fields belong to
 * the application (https://www.sqlite.org/fileformat2.html#the_database_header):
 *
 *     application_id   "ClBk"
 *     user_version     < 0  a database's id, made when it is created
 *                      > 0  a backup's number: higher is newer
 *                        0  not marked yet
 * @module
 */
import { PAGE_BYTES } from "./pages.ts";

export const APPLICATION_ID = 0x436c426b;

const HEADER_BYTES = 100;
const MAGIC = new TextEncoder().encode("SQLite format 3\0");
/** Bytes of the magic that may be damaged while a file still looks like a database. */
const MAX_DAMAGED = 4;

export interface Header {
  /** Whether it begins with the magic of SQLite. */
  sqlite: boolean;
  application: number;
  /** `user_version`. */
  mark: number;
  /** Grows with the changes of the first page; not with each of them. */
  changes: number;
}

/** The header; undefined for fewer than 100 bytes. */
export function headerOf(bytes: Uint8Array): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    sqlite: MAGIC.every((byte, at) => bytes[at] === byte),
    application: view.getUint32(68),
    mark: view.getInt32(60),
    changes: view.getUint32(24),
  };
}

/** Whether a file with these first bytes is a database, or a damaged one of ours. */
export function looksLikeDatabase(bytes: Uint8Array): boolean {
  const alike = MAGIC.filter((byte, at) => bytes[at] === byte).length;
  return alike >= MAGIC.length - MAX_DAMAGED || headerOf(bytes)?.application === APPLICATION_ID ||
    isPointerMap(bytes.subarray(PAGE_BYTES));
}

/** Entries of the pointer map that are checked. */
const ENTRIES = 8;

/**
 * Whether a second page is a pointer map, as in every database of ours: entries of a type from 1 to 5 and the parent.
 * https://www.sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages
 */
function isPointerMap(page: Uint8Array): boolean {
  if (page.length < PAGE_BYTES) return false;
  const view = new DataView(page.buffer, page.byteOffset);
  return Array.from({ length: ENTRIES }, (_, entry) => entry * 5).every((at) => {
    const [type, parent] = [view.getUint8(at), view.getUint32(at + 1)];
    return type >= 1 && type <= 5 && (type <= 2) === (parent === 0);
  });
}

/** The first bytes of an open file, at most `length`. */
export function firstBytes(file: Deno.FsFile, length = HEADER_BYTES): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(0, Deno.SeekMode.Start);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

/**
 * The first bytes of a file.
 *
 * Closes the file again, which on POSIX drops the locks of every SQLite connection that this process has to it: not
 * for a database that is open.
 */
export function firstBytesOf(path: string, length?: number): Uint8Array {
  using file = Deno.openSync(path);
  return firstBytes(file, length);
}
