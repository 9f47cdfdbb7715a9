/**
 * The callers that long answers are on their way to. A body is made as its reader takes it, and what waits for all
 * readers together is bounded: beyond that the one that has taken nothing for longest is cut.
 *
 *     rows ──► piece ──► 16 KiB ──► runtime ──► socket ──► reader
 *              └─ kept ─┘└────── sent ──────┘
 *              └──────── counted ───────────┘
 * @module
 */
import { type Clock, systemClock } from "../time/clock.ts";

/** What may wait for all readers together, in bytes. */
export const MAX_WAITING_BYTES = 16 << 20;
/** How long a reader may take for an answer that ends, in milliseconds. */
export const MAX_ANSWER_MS = 600_000;

/** The piece in which a body leaves. The runtime takes 16 pieces and 64 KiB more than its socket does. */
export const PIECE_BYTES = 1 << 14;
const MAX_SENT_BYTES = 16 * PIECE_BYTES + (1 << 16) + PIECE_BYTES;

/** What one turn of the event loop may hand to the runtime, which writes it between two turns. */
const TURN_BYTES = 1 << 20;
const TURN_MS = 4;

export interface ReadersOptions {
  maxBytes?: number;
  clock?: Clock;
}

/** As `Response` takes it. */
interface Init {
  status?: number;
  headers: Readonly<Record<string, string>>;
}

type Pieces = Pick<AsyncIterator<string>, "next" | "return">;
const NO_MORE: Pieces = { next: () => Promise.resolve({ done: true, value: undefined }) };

const encoder = new TextEncoder();

/** How much of a text is a piece; no character is split. */
function pieceLength(text: string): number {
  const last = text.charCodeAt(PIECE_BYTES - 1);
  return last >= 0xd800 && last < 0xdc00 ? PIECE_BYTES - 1 : PIECE_BYTES;
}

/** One answer's reader, as long as its answer takes. */
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

  /** Aborts when the reader is cut: its connection has to go too, with what the runtime holds for it. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Aborts when the answer is over, cut or not. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether anything waits for it. */
  get waits(): boolean {
    return this.#kept + this.#sent + this.#frames > 0;
  }

  /** What is kept for it besides what it was sent. */
  keeps(bytes: number): void {
    this.#set(bytes, this.#sent);
  }

  /** Keeps a frame for it, which is counted once for all readers that it is kept for. */
  holds(frame: Uint8Array): void {
    this.#frames++;
    this.#readers.holds(frame);
  }

  /** The frame is kept for it no longer. */
  releases(frame: Uint8Array): void {
    this.#frames--;
    this.#readers.releases(frame);
  }

  /** Bytes were handed to the runtime, which had room for them: the reader moves. */
  takes(bytes: number): void {
    this.#readers.moved(this);
    this.#set(this.#kept, Math.min(this.#sent + bytes, MAX_SENT_BYTES));
  }

  /** It has taken all there was, as far as can be known. */
  rests(): void {
    this.#set(0, 0);
  }

  /** The server says when the last byte is out: until then it is counted with what it was sent. */
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

  /** Drops it, with what waits for it. */
  drop(): void {
    if (this.#over.signal.aborted) return;
    this.leave();
    this.#cut.abort();
  }

  /** The answer is over: nothing waits for it any more. */
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
    if (more !== 0) this.#readers.counts(more);
  }
}

export class Readers {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** The one that has taken nothing for longest first. */
  readonly #readers = new Set<Reader>();
  readonly #ofResponse = new WeakMap<Response, Reader>();
  /** For how many readers a frame is kept. */
  readonly #holders = new Map<ArrayBufferLike, number>();
  #bytes = 0;
  #alone: Promise<void> = Promise.resolve();
  readonly #work: (() => number)[] = [];
  #turnBytes = 0;
  #turnEnds = -Infinity;

  constructor({ maxBytes = MAX_WAITING_BYTES, clock = systemClock }: ReadersOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** What waits for all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** An answer of a stream, and its reader, whom its owner tells what waits. */
  enter(body: ReadableStream, init: ResponseInit): { response: Response; reader: Reader } {
    const reader = new Reader(this);
    const response = new Response(body, init);
    this.#readers.add(reader);
    this.#ofResponse.set(response, reader);
    return { response, reader };
  }

  /** The reader of an answer; nothing for one that is short enough to be left to the runtime. */
  of(response: Response): Reader | undefined {
    return this.#ofResponse.get(response);
  }

  /** A text as an answer: a long one leaves as it is read. */
  text(text: string, init: Init): Response {
    if (text.length <= PIECE_BYTES) return new Response(text, init);
    return this.#answer(text, NO_MORE, init);
  }

  /** Bytes as an answer, which may be shared by many. */
  shared(bytes: Uint8Array, init: Init): Response {
    const headers = { ...init.headers, "content-length": String(bytes.byteLength) };
    return this.#answer(bytes, NO_MORE, { ...init, headers });
  }

  /** An answer that is made as it is read, of texts of any length. */
  pieces(pieces: AsyncIterator<string>, init: Init): Response {
    return this.#answer("", pieces, init);
  }

  #answer(first: string | Uint8Array, more: Pieces, init: Init): Response {
    // Nothing but these holds what is sent: they last as long as the slowest reader.
    let [rest, pieces] = [first, more];
    first = "";
    // Of a text the whole stays in memory until its last piece has gone; bytes are shared.
    let whole = typeof rest === "string" ? rest.length : 0;
    let stop = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        // An error would be printed to stderr with its stack. JSON that breaks off and a length that is not reached
        // show the reader as well that the answer is cut.
        stop = () => controller.close();
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
        // A text is encoded piece by piece: whole, it would be in memory twice.
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
   * Does what hands bytes to the runtime, and returns how many they were: at once while this turn of the event loop
   * has room for it, in its order in one of the next otherwise.
   */
  inTurn(work: () => number): void {
    const now = performance.now();
    // Between its end and twice its length the turn may still go on: no more of it then.
    if (now >= this.#turnEnds + TURN_MS) this.#begin(now);
    if (this.#work.length === 0 && this.#hasRoom()) this.#turnBytes += work();
    else this.#later(work);
  }

  /** Resolves when no other work of its kind runs, with what says that this is over. */
  async alone(): Promise<() => void> {
    const before = this.#alone;
    const over = Promise.withResolvers<void>();
    this.#alone = over.promise;
    await before;
    return over.resolve;
  }

  /** Of a reader. */
  moved(reader: Reader): void {
    if (this.#readers.delete(reader)) this.#readers.add(reader);
  }

  /** Of a reader. */
  left(reader: Reader): void {
    this.#readers.delete(reader);
  }

  /** Of a reader: a frame is kept for it. */
  holds({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer) ?? 0;
    this.#holders.set(buffer, holders + 1);
    if (holders === 0) this.counts(buffer.byteLength);
  }

  /** Of a reader: a frame is kept for it no longer. */
  releases({ buffer }: Uint8Array): void {
    const holders = this.#holders.get(buffer) ?? 0;
    if (holders > 1) return void this.#holders.set(buffer, holders - 1);
    if (this.#holders.delete(buffer)) this.counts(-buffer.byteLength);
  }

  /** Whether a frame is kept for more than one reader. */
  isShared({ buffer }: Uint8Array): boolean {
    return (this.#holders.get(buffer) ?? 0) > 1;
  }

  /** Of a reader: more bytes wait, or fewer. */
  counts(more: number): void {
    this.#bytes += more;
    if (more < 0) return;
    for (const reader of this.#readers) {
      if (this.#bytes <= this.#maxBytes) return;
      if (reader.waits) reader.drop();
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
