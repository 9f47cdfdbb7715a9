/**
 * The pages of a database and its write-ahead log (WAL), read without SQLite, which gives up at the first damaged page.
 * The newest committed copy of a page counts: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 *
 *     clockblock.db       │ 1 │ 2 │ 3 │ 4 │ 5 │ …       pages of 4096 bytes
 *     clockblock.db-wal   │ header │ frame 2 │ frame 5, commit │ frame 3 (not committed)
 *                                    └ page number, pages after the commit, salts, checksum, then the page
 * @module
 */
import { isFile } from "../files.ts";

/** Every database of ours has pages of this size: SQLite's default. */
export const PAGE_BYTES = 4096;

const LOG_HEADER = 32;
const FRAME_HEADER = 24;
const FRAME_BYTES = FRAME_HEADER + PAGE_BYTES;

/** The size of a WAL with that many pages. */
export function logBytes(pages: number): number {
  return pages === 0 ? 0 : LOG_HEADER + pages * FRAME_BYTES;
}

/** The content of a write-ahead log. */
export interface Log {
  /** Page number → offset of its newest committed copy. */
  pages: ReadonlyMap<number, number>;
  /** Pages of the database after the last commit; 0 without a commit. */
  pageCount: number;
  /** Whether commits follow a damaged frame: SQLite would ignore them. */
  broken: boolean;
}

/** The newest committed pages of a database that is not open. */
export class Pages implements Disposable {
  readonly count: number;
  readonly #file: Deno.FsFile | undefined;
  readonly #log: Deno.FsFile | undefined;
  readonly #logged: ReadonlyMap<number, number>;

  constructor(path: string) {
    this.#file = isFile(path) ? Deno.openSync(path) : undefined;
    const log = readLog(`${path}-wal`);
    this.#log = log && Deno.openSync(`${path}-wal`);
    this.#logged = log?.pages ?? new Map();
    const lasting = Math.ceil((this.#file?.statSync().size ?? 0) / PAGE_BYTES);
    this.count = Math.max(lasting, log?.pageCount ?? 0);
  }

  /** A page, counted from 1; empty or short where the file ends. */
  read(page: number): Uint8Array {
    const logged = this.#logged.get(page);
    if (logged !== undefined && this.#log) return readAt(this.#log, logged, PAGE_BYTES);
    if (!this.#file) return new Uint8Array();
    return readAt(this.#file, (page - 1) * PAGE_BYTES, PAGE_BYTES);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#log?.close();
  }
}

/**
 * Reads a WAL as SQLite does after a crash, but continues after a damaged frame: each checksum starts from the one that
 * is stored in the frame before.
 */
export function readLog(path: string): Log | undefined {
  if (!isFile(path)) return undefined;
  using file = Deno.openSync(path);
  const header = viewOf(readAt(file, 0, LOG_HEADER));
  if (header.byteLength < LOG_HEADER) return undefined;
  const littleEndian = header.getUint32(0) !== 0x377f0683;
  let sum: Checksum = [header.getUint32(24), header.getUint32(28)];
  const headerSum = checksum([0, 0], header, 0, 24, littleEndian);
  let damaged = !same(headerSum, sum);
  // The salts distinguish the frames of this WAL from older ones that it overwrites.
  let salts: Checksum | undefined = damaged
    ? undefined
    : [header.getUint32(16), header.getUint32(20)];

  const pages = new Map<number, number>();
  const open = new Map<number, number>();
  const log = { pages, pageCount: 0, broken: false };
  const { size } = file.statSync();
  for (let at = LOG_HEADER; at + FRAME_BYTES <= size; at += FRAME_BYTES) {
    const frame = viewOf(readAt(file, at, FRAME_BYTES));
    const frameSalts: Checksum = [frame.getUint32(8), frame.getUint32(12)];
    salts ??= frameSalts;
    if (!same(frameSalts, salts)) {
      damaged = true;
      continue;
    }
    const stored: Checksum = [frame.getUint32(16), frame.getUint32(20)];
    const found = checksum(
      checksum(sum, frame, 0, 8, littleEndian),
      frame,
      FRAME_HEADER,
      FRAME_BYTES,
      littleEndian,
    );
    sum = stored;
    if (!same(found, stored)) {
      damaged = true;
      continue;
    }
    open.set(frame.getUint32(0), at + FRAME_HEADER);
    const pageCount = frame.getUint32(4);
    if (pageCount === 0) continue;
    for (const [page, offset] of open) pages.set(page, offset);
    open.clear();
    log.pageCount = pageCount;
    log.broken ||= damaged;
  }
  return log;
}

type Checksum = readonly [number, number];

function checksum(
  [one, two]: Checksum,
  view: DataView,
  from: number,
  to: number,
  littleEndian: boolean,
): Checksum {
  let [a, b] = [one, two];
  for (let at = from; at < to; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0;
  }
  return [a, b];
}

function same(one: Checksum, other: Checksum): boolean {
  return one[0] === other[0] && one[1] === other[1];
}

function readAt(file: Deno.FsFile, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  let read = 0;
  while (read < length) {
    let more: number | null;
    try {
      more = file.readSync(bytes.subarray(read));
    } catch {
      // A bad sector: what follows may be readable.
      break;
    }
    if (more === null) break;
    read += more;
  }
  return bytes.subarray(0, read);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
