/**
 * The first bytes of a database file, read without SQLite: whether it is one, whose, and which. Two fields of SQLite's
 * header that are an application's own say so (https://www.sqlite.org/fileformat2.html#the_database_header):
 *
 *     application_id   "ClBk"
 *     user_version     < 0  a database's id, made when it begins to be written to
 *                      > 0  a backup's number: the higher, the newer
 *                        0  not marked yet
 * @module
 */

export const APPLICATION_ID = 0x436c426b;

export const HEADER_BYTES = 100;
const MAGIC = new TextEncoder().encode("SQLite format 3\0");
/** Bytes of the magic that may be damaged while a file still looks like a database. */
const MAX_DAMAGED = 4;

export interface Header {
  /** Whether it begins as every SQLite database does. */
  sqlite: boolean;
  application: number;
  /** `user_version`. */
  mark: number;
  /** Grows with the changes of the first page; not with each of them. */
  changes: number;
}

/** What a file of at least 100 bytes begins with; undefined for a shorter one. */
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

/** Whether a file begins like a database, or like one of ours that is damaged there. */
export function looksLikeDatabase(bytes: Uint8Array): boolean {
  const alike = MAGIC.filter((byte, at) => bytes[at] === byte).length;
  return alike >= MAGIC.length - MAX_DAMAGED || headerOf(bytes)?.application === APPLICATION_ID;
}

/** The first bytes of an open file. */
export function firstBytes(file: Deno.FsFile): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  file.seekSync(0, Deno.SeekMode.Start);
  return bytes.subarray(0, file.readSync(bytes) ?? 0);
}

/**
 * The first bytes of a file.
 *
 * Closes the file again, which on POSIX drops the locks of every SQLite connection that this process has to it: not
 * for a database that is open.
 */
export function firstBytesOf(path: string): Uint8Array {
  using file = Deno.openSync(path);
  return firstBytes(file);
}
