/**
 * One client's server-sent events: frames wait in a bounded buffer, and a client that overflows it is disconnected
 * and resumes by `Last-Event-ID`.
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @module
 */
import { type Clock, systemClock } from "../time/clock.ts";
import { every } from "../time/every.ts";
import { PIECE_BYTES, type Reader, Readers } from "./readers.ts";

/** A message in wire format: encoded once, sent to any number of clients. */
export type SseFrame = Uint8Array<ArrayBuffer>;

export interface SseContent {
  /** What the client sends as `Last-Event-ID` when it reconnects. */
  id?: string | number;
  /** The name that the page listens for (default `message`). */
  event?: string;
  /** Sent as JSON. */
  data: unknown;
}

const encoder = new TextEncoder();

/** Encodes a message. */
export function sseFrame({ id, event, data }: SseContent): SseFrame {
  let text = "";
  if (id !== undefined) text += `id: ${line(id)}\n`;
  if (event !== undefined) text += `event: ${line(event)}\n`;
  // JSON text has no line breaks of its own, so it is one `data` line.
  return encoder.encode(`${text}data: ${JSON.stringify(data ?? null)}\n\n`);
}

/** A field's value. @throws {TypeError} for a line break, which would begin another field */
function line(value: string | number): string {
  const text = String(value);
  if (/[\r\n\0]/.test(text)) {
    throw new TypeError("Cannot make an SSE field of text with line breaks");
  }
  return text;
}

/** Why a stream ended: the client left, was too slow, or the agent closed it. */
export type SseEnd = "gone" | "slow" | "closed";

export interface SseOptions {
  /** Closes the stream: `closing` of the route's request. */
  signal: AbortSignal;
  /** The shared budget: `readers` of the route's request. */
  readers?: Readers;
  /** Maximum that waits for the client; with more it is disconnected. */
  bufferBytes?: number;
  clock?: Clock;
  /** Called once, when no more can be sent: the place to unsubscribe. */
  onEnd?: (end: SseEnd) => void;
}

const PING: SseFrame = encoder.encode(": ping\n\n");
/** Interval of these comments, which keep the connection open through proxies. */
const PING_MS = 15_000;
/** Has the client reconnect after a second. */
const RETRY: SseFrame = encoder.encode("retry: 1000\n\n");
const HEADERS = { "content-type": "text/event-stream", "cache-control": "no-store" };

/**
 * Frames are shared by all clients. A large one is split into chunks; small ones that wait are joined into one.
 *
 *     send    a b   c d e f
 *     chunks  a  b     cdef
 */
export class SseStream {
  /** What the route returns. */
  readonly response: Response;
  /** The number of the last event that was sent, where events have one: its owner keeps it. */
  lastId = 0;
  readonly #bufferBytes: number;
  readonly #ended = new AbortController();
  readonly #onEnd: ((end: SseEnd) => void) | undefined;
  readonly #readers: Readers;
  readonly #reader: Reader;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: SseFrame[] = [];
  #waitingBytes = 0;
  /** The runtime asks for a chunk. */
  #wanted = false;
  /** A chunk is scheduled. */
  #due = false;
  /** Whether the runtime took a chunk since the last ping. */
  #taken = true;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: SseOptions) {
    const { signal, bufferBytes = 1 << 20, clock = systemClock } = options;
    const { readers = new Readers({ clock }) } = options;
    this.#bufferBytes = bufferBytes;
    this.#onEnd = options.onEnd;
    this.#readers = readers;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#end("gone"),
    }, { highWaterMark: 0 });
    const { response, reader } = readers.enter(body, { headers: HEADERS });
    this.response = response;
    this.#reader = reader;
    // At once, so that the client sees the stream open.
    this.send(RETRY);
    const close = () => this.close();
    const until = { once: true, signal: this.#ended.signal } as const;
    signal.addEventListener("abort", close, until);
    this.#reader.cut.addEventListener("abort", () => this.#end("slow"), until);
    void every(PING_MS, () => this.#ping(), {
      signal: this.#ended.signal,
      name: "sse",
      clock,
      later: true,
    });
    // Later: `onEnd` must not run before the constructor returns.
    if (signal.aborted) queueMicrotask(close);
  }

  /** Whether it has not ended. */
  get open(): boolean {
    return !this.#ended.signal.aborted;
  }

  /** Bytes that wait for the client. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Sends a frame, or disconnects the client when too much waits; false once the stream has ended. */
  send(frame: SseFrame): boolean {
    if (!this.open) return false;
    // With an empty buffer a frame of any size is accepted.
    if (this.#waitingBytes > 0 && this.#waitingBytes + frame.byteLength > this.#bufferBytes) {
      this.#end("slow");
      return false;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.byteLength;
    this.#reader.holds(frame);
    this.#leave();
    return this.open;
  }

  /** Prepares a frame in a turn shared with all streams; resolves with the result, or false when this one has ended. */
  inTurn(work: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#readers.inTurn(() => {
        try {
          resolve(this.open && work());
        } catch (error) {
          reject(error);
        }
        return 0;
      });
    });
  }

  /** Resolves once nothing waits or the stream has ended: paces a long catch-up. */
  drained(): Promise<void> {
    if (!this.open || this.#waiting.length === 0) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** Ends the stream after what waits is sent. */
  close(): void {
    this.#end("closed");
  }

  #ping(): void {
    // It has taken nothing since the last ping.
    if (this.#waiting.length > 0 && !this.#taken) return this.#end("slow");
    this.#taken = false;
    this.send(PING);
  }

  #pull(): void {
    this.#taken = true;
    this.#wanted = true;
    // All was taken.
    if (this.#waiting.length === 0) this.#reader.rests();
    else this.#leave();
  }

  /** Schedules a chunk, when one waits and is asked for. */
  #leave(): void {
    if (!this.#wanted || this.#due || this.#waiting.length === 0) return;
    this.#due = true;
    this.#readers.inTurn(() => {
      this.#due = false;
      if (!this.open || !this.#wanted) return 0;
      this.#wanted = false;
      const { chunk, own } = this.#chunk();
      this.#controller?.enqueue(chunk);
      this.#reader.takes(own ? chunk.byteLength : 0);
      if (this.#waiting.length === 0) {
        this.#drained?.resolve();
        this.#drained = undefined;
      }
      return chunk.byteLength;
    });
  }

  /** The next chunk, and whether this client alone keeps it. */
  #chunk(): { chunk: Uint8Array; own: boolean } {
    const first = this.#waiting[0]!;
    if (first.byteLength > PIECE_BYTES) {
      const own = !this.#readers.isShared(first);
      // Copied where no other client keeps the frame, so that the runtime keeps the chunk alone.
      const chunk = own ? first.slice(0, PIECE_BYTES) : first.subarray(0, PIECE_BYTES);
      this.#waiting[0] = first.subarray(PIECE_BYTES);
      this.#waitingBytes -= PIECE_BYTES;
      return { chunk, own };
    }
    let bytes = 0;
    let count = 0;
    for (const frame of this.#waiting) {
      if (bytes + frame.byteLength > PIECE_BYTES) break;
      bytes += frame.byteLength;
      count++;
    }
    const frames = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    const own = count > 1 || !this.#readers.isShared(first);
    for (const frame of frames) this.#reader.releases(frame);
    return { chunk: count === 1 ? first : joined(frames, bytes), own };
  }

  #end(end: SseEnd): void {
    if (!this.open) return;
    this.#ended.abort();
    if (end === "closed" && this.#waiting.length > 0) {
      this.#controller?.enqueue(joined(this.#waiting, this.#waitingBytes));
    }
    // What waits for a slow client is dropped: it is sent again when the client resumes.
    if (end !== "gone") this.#controller?.close();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const frame of waiting) this.#reader.releases(frame);
    this.#drained?.resolve();
    if (end === "slow") this.#reader.drop();
    else this.#reader.leave();
    this.#onEnd?.(end);
  }
}

function joined(frames: readonly SseFrame[], bytes: number): Uint8Array {
  const chunk = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames) {
    chunk.set(frame, at);
    at += frame.byteLength;
  }
  return chunk;
}
