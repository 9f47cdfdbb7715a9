/**
 * Flow control of long answers. A body is made as its reader takes it, and all readers share one memory budget:
 * beyond it the reader that has been idle for longest is cut.
 *
 *     rows ──► piece ──► chunk  ──► runtime ──► socket ──► reader
 *              └─ kept ─┘└────── sent ──────┘
 *              └──────── counted ───────────┘
 * @module
 */
import { type Clock, systemClock } from "../time/clock.ts";
import { Problem } from "./problem.ts";

/** The budget of all readers together, in bytes. */
export const MAX_WAITING_BYTES = 8 << 20;
/** How long a reader may take for an answer of finite length. */
export const MAX_ANSWER_MS = 600_000;

/** The size of a chunk. The runtime buffers 16 chunks and 64 KiB more than its socket. */
export const PIECE_BYTES = 1 << 14;
const MAX_SENT_BYTES = 16 * PIECE_BYTES + (1 << 16) + PIECE_BYTES;

/** What one turn of the event loop may give to the runtime, which writes between turns. */
const TURN_BYTES = 1 << 20;
const TURN_MS = 4;

/** As `Response` takes it. */
interface Init {
  status?: number;
  headers: Readonly<Record<string, string>>;
}

type Pieces = Pick<AsyncIterator<string>, "next" | "return">;
const NO_MORE: Pieces = { next: () => Promise.resolve({ done: true, value: undefined }) };

const encoder = new TextEncoder();

/** Length of the next chunk of a text; no surrogate pair is split. */
function pieceLength(text: string): number {
  const last = text.charCodeAt(PIECE_BYTES - 1);
  return last >= 0xd800 && last < 0xdc00 ? PIECE_BYTES - 1 : PIECE_BYTES;
}

/** The reader of one answer, until the answer is over. */
export class Reader {
  readonly #readers: Readers;
  readonly #over = new AbortController();
  readonly #cut = new AbortController();
  #kept = 0;
  #sent = 0;
  #frames = 0;
  #delivered = false;

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  /** Aborts when the reader is cut: what the runtime buffers for it is freed with its connection. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Aborts when the answer is over, cut or not. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether any bytes are counted for it. */
  get waits(): boolean {
    return this.#kept + this.#sent + this.#frames > 0;
  }

  /** Sets the bytes that are kept for it besides those sent. */
  keeps(bytes: number): void {
    this.#set(bytes, this.#sent);
  }

  /** Keeps a frame for it, which is counted once however many readers share it. */
  holds(frame: Uint8Array): void {
    this.#frames++;
    this.#readers.holds(frame);
  }

  /** The frame is kept for it no longer. */
  releases(frame: Uint8Array): void {
    this.#frames--;
    this.#readers.releases(frame);
  }

  /** The runtime took bytes: the reader makes progress. */
  takes(bytes: number): void {
    this.#readers.moved(this);
    this.#set(this.#kept, Math.min(this.#sent + bytes, MAX_SENT_BYTES));
  }

  /** It has taken everything, as far as the runtime shows. */
  rests(): void {
    this.#set(0, 0);
  }

  /** Counts what was sent until the server has delivered the last byte. */
  deliveredBy(completed: Promise<void>): void {
    this.#delivered = true;
    const over = () => this.leave();
    completed.then(over, over);
  }

  /** All was sent. */
  sent(): void {
    this.keeps(0);
    if (!this.#delivered) this.leave();
  }

  /** Cuts it and frees what waits for it. */
  drop(): void {
    if (this.#over.signal.aborted) return;
    this.leave();
    this.#cut.abort();
  }

  /** The answer is over: nothing is counted any more. */
  leave(): void {
    this.#set(0, 0);
    this.#over.abort();
    this.#readers.left(this);
  }

  #set(kept: number, sent: number): void {
    if (this.#over.signal.aborted) return;
    const more = kept + sent - this.#kept - this.#sent;
    this.#kept = kept;
    this.#sent = sent;
    if (more !== 0) this.#readers.counts(more, this);
  }
}

/** Work that is done one after the other. */
class Line {
  #last: Promise<void> = Promise.resolve();
  #length = 0;

  /** Whether any is being done. */
  get busy(): boolean {
    return this.#length > 0;
  }

  async do<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const over = Promise.withResolvers<void>();
    this.#last = over.promise;
    this.#length++;
    await before;
    try {
      return await work();
    } finally {
      this.#length--;
      over.resolve();
    }
  }
}

export class Readers {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** In the order of their last progress, oldest first. */
  readonly #readers = new Set<Reader>();
  readonly #ofResponse = new WeakMap<Response, Reader>();
  /** Readers of each frame, by its buffer. */
  readonly #holders = new Map<ArrayBufferLike, number>();
  #bytes = 0;
  readonly #alone = new Line();
  /** Where lists begin one after the other, once one of them is long. */
  readonly listLine = new Line();
  readonly #work: (() => number)[] = [];
  #turnBytes = 0;
  #turnEnds = -Infinity;

  constructor({ maxBytes = MAX_WAITING_BYTES, clock = systemClock } = {}) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** Bytes that wait for all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An answer with a stream as its body, and its reader; the caller reports to it what waits. */
  enter(body: ReadableStream, init: ResponseInit): { response: Response; reader: Reader } {
    const reader = new Reader(this);
    const response = new Response(body, init);
    this.#readers.add(reader);
    this.#ofResponse.set(response, reader);
    return { response, reader };
  }

  /** The reader of an answer; undefined for a short one, which the runtime buffers. */
  of(response: Response): Reader | undefined {
    return this.#ofResponse.get(response);
  }

  /** A text as an answer; a long one is sent as it is read. */
  text(text: string, init: Init): Response {
    if (text.length <= PIECE_BYTES) return new Response(text, init);
    return this.#answer(text, NO_MORE, init);
  }

  /** Bytes as an answer, which may be shared by many. */
  shared(bytes: Uint8Array, init: Init): Response {
    const headers = { ...init.headers, "content-length": String(bytes.byteLength) };
    return this.#answer(bytes, NO_MORE, { ...init, headers });
  }

  /** An answer of texts, made as it is read. */
  pieces(pieces: AsyncIterator<string>, init: Init): Response {
    return this.#answer("", pieces, init);
  }

  #answer(first: string | Uint8Array, more: Pieces, init: Init): Response {
    // The only references to the content: they last as long as the slowest reader.
    let [rest, pieces] = [first, more];
    first = "";
    // A text stays in memory as a whole until its last chunk is sent; bytes are shared.
    let whole = typeof rest === "string" ? rest.length : 0;
    let stop = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        // `Deno.serve` closes the connection without the last chunk: no caller takes the answer for complete.
        stop = () => controller.error(new Problem(503, "Answer cut"));
      },
      pull: async (controller) => {
        while (rest.length === 0) {
          const { done, value } = await pieces.next();
          if (reader.over.aborted) return;
          if (done) {
            stop = () => {};
            reader.sent();
            return controller.close();
          }
          rest = value;
          whole = value.length;
        }
        // Encoded by chunk: a whole copy would double its memory.
        const piece: Uint8Array = typeof rest === "string"
          ? encoder.encode(rest.slice(0, pieceLength(rest)))
          : rest.subarray(0, PIECE_BYTES);
        rest = typeof rest === "string"
          ? rest.slice(pieceLength(rest))
          : rest.subarray(PIECE_BYTES);
        controller.enqueue(piece);
        if (rest.length === 0) whole = 0;
        reader.keeps(whole);
        reader.takes(piece.byteLength);
      },
      cancel() {
        stop = () => {};
        reader.leave();
      },
    }, { highWaterMark: 0 });
    const { response, reader } = this.enter(body, init);
    reader.keeps(whole);
    reader.over.addEventListener("abort", () => {
      rest = "";
      void pieces.return?.();
      pieces = NO_MORE;
    }, { once: true });
    reader.cut.addEventListener("abort", () => stop(), { once: true });
    void this.#clock.wait(MAX_ANSWER_MS, { signal: reader.over }).then(() => reader.drop());
    return response;
  }

  /**
   * Runs work that gives bytes to the runtime and returns their number: at once while this turn of the event loop
   * has room, in order in a later turn otherwise.
   */
  inTurn(work: () => number): void {
    const now = performance.now();
    // Until twice its length the same turn may still be running.
    if (now >= this.#turnEnds + TURN_MS) this.#begin(now);
    if (this.#work.length === 0 && this.#hasRoom()) this.#turnBytes += work();
    else this.#later(work);
  }

  /** Does work that takes much memory, alone among callers of this. */
  doAlone<T>(work: () => Promise<T>): Promise<T> {
    return this.#alone.do(work);
  }

  /** For `Reader`. */
  moved(reader: Reader): void {
    if (this.#readers.delete(reader)) this.#readers.add(reader);
  }

  /** For `Reader`. */
  left(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** For `Reader`: a frame is kept. */
  holds({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer) ?? 0;
    this.#holders.set(buffer, holders + 1);
    if (holders === 0) this.counts(buffer.byteLength);
  }

  /** For `Reader`: a frame is released. */
  releases({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer) ?? 0;
    if (holders > 1) return void this.#holders.set(buffer, holders - 1);
    if (this.#holders.delete(buffer)) this.counts(-buffer.byteLength);
  }

  /** Whether more than one reader keeps the frame. */
  isShared({ buffer }: Uint8Array): boolean {
    return (this.#holders.get(buffer) ?? 0) > 1;
  }

  /** For `Reader`: adds to the bytes that wait, or subtracts. No reader is cut for what it takes: a row may be larger. */
  counts(more: number, taking?: Reader): void {
    this.#bytes += more;
    if (more < 0) return;
    for (const reader of this.#readers) {
      if (this.#bytes <= this.#maxBytes) return;
      if (reader !== taking && reader.waits) reader.drop();
    }
  }

  #later(work: () => number): void {
    this.#work.push(work);
    if (this.#work.length > 1) return;
    const next = () => {
      this.#begin(performance.now());
      let done = 0;
      while (done < this.#work.length && this.#hasRoom()) this.#turnBytes += this.#work[done++]!();
      this.#work.splice(0, done);
      if (this.#work.length > 0) setTimeout(next, 0);
    };
    setTimeout(next, 0);
  }

  #begin(now: number): void {
    this.#turnBytes = 0;
    this.#turnEnds = now + TURN_MS;
  }

  #hasRoom(): boolean {
    return this.#turnBytes < TURN_BYTES && performance.now() < this.#turnEnds;
  }
}
