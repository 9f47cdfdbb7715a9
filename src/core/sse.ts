/**
 * Server-sent events, one client each: what the client does not take in time waits in a bounded buffer, and
 * a client that lets it run over is cut, to come back and resume by `Last-Event-ID`.
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import { every } from "./every.ts";

/** A message as it goes over the wire: made once, sent to any number of clients. */
export type SseFrame = Uint8Array<ArrayBuffer>;

export interface SseMessage {
  /** What the client sends back as `Last-Event-ID` when it returns. */
  id?: string | number;
  /** The name that the page listens for (default `message`). */
  event?: string;
  /** Sent as JSON. */
  data: unknown;
}

const encoder = new TextEncoder();

/** A message made ready for the wire. */
export function sseFrame({ id, event, data }: SseMessage): SseFrame {
  let text = "";
  if (id !== undefined) text += `id: ${line(id)}\n`;
  if (event !== undefined) text += `event: ${line(event)}\n`;
  // JSON text has no line breaks of its own, so it is one `data` line.
  return encoder.encode(`${text}data: ${JSON.stringify(data ?? null)}\n\n`);
}

/** A field's value: a line break in it would begin another field. */
function line(value: string | number): string {
  const text = String(value);
  if (/[\r\n\0]/.test(text)) {
    throw new TypeError("Cannot make an SSE field of text with line breaks");
  }
  return text;
}

/** Why a client's stream ended: it went away, it was too slow, or we ended it. */
export type SseEnd = "gone" | "slow" | "closed";

export interface SseOptions {
  /** Ends the stream from our side: `closing` of the route's request. */
  signal: AbortSignal;
  /** How much may wait for a client before it is cut. */
  bufferBytes?: number;
  /** A comment this often keeps proxies and clients from giving the connection up. */
  pingMs?: number;
  /** How long a client waits before it comes back. */
  retryMs?: number;
  clock?: Clock;
  /** Called once, when no more can be sent: the place to unsubscribe. */
  onEnd?: (end: SseEnd) => void;
  headers?: Readonly<Record<string, string>>;
}

const PING: SseFrame = encoder.encode(": ping\n\n");

/**
 * One client's stream. Frames that come while the client is busy leave together in one chunk:
 *
 *     send    a b   c d e f
 *     chunks  a  b     cdef
 */
export class SseStream {
  /** What the route returns. */
  readonly response: Response;
  readonly #bufferBytes: number;
  readonly #ended = new AbortController();
  readonly #onEnd: ((end: SseEnd) => void) | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: SseFrame[] = [];
  #waitingBytes = 0;
  #wanted = false;
  /** Whether the client has taken anything since the last ping. */
  #taken = true;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: SseOptions) {
    const { signal, bufferBytes = 1 << 20, pingMs = 15_000, clock = systemClock } = options;
    const { retryMs = 1_000 } = options;
    this.#bufferBytes = bufferBytes;
    this.#onEnd = options.onEnd;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#end("gone"),
    }, { highWaterMark: 0 });
    this.response = new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        ...options.headers,
      },
    });
    // Something at once, so that the client sees the stream open.
    this.send(encoder.encode(`retry: ${retryMs}\n\n`));
    const close = () => this.close();
    signal.addEventListener("abort", close, { once: true, signal: this.#ended.signal });
    void every(pingMs, () => this.#ping(), {
      signal: this.#ended.signal,
      name: "sse",
      clock,
      later: true,
    });
    // Later, so that `onEnd` never runs before its owner holds the stream.
    if (signal.aborted) queueMicrotask(close);
  }

  /** Whether more can be sent. */
  get open(): boolean {
    return !this.#ended.signal.aborted;
  }

  /** How much waits for the client. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Sends a frame, or cuts the client when too much waits for it; false once the stream has ended. */
  send(frame: SseFrame): boolean {
    if (!this.open) return false;
    if (this.#wanted) {
      this.#wanted = false;
      this.#controller?.enqueue(frame);
      return true;
    }
    if (this.#waitingBytes + frame.byteLength > this.#bufferBytes) {
      this.#end("slow");
      return false;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.byteLength;
    return true;
  }

  /** Resolves once the client has taken all that was sent, or the stream has ended: paces a long catch-up. */
  drained(): Promise<void> {
    if (!this.open || this.#waiting.length === 0) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** Ends the stream; what was sent still reaches a client that takes it. */
  close(): void {
    this.#end("closed");
  }

  #ping(): void {
    // A client that has taken nothing since the last ping holds its buffer for no one.
    if (this.#waiting.length > 0 && !this.#taken) return this.#end("slow");
    this.#taken = false;
    this.send(PING);
  }

  #pull(): void {
    this.#taken = true;
    const frames = this.#waiting;
    if (frames.length === 0) {
      this.#wanted = true;
      return;
    }
    this.#waiting = [];
    this.#controller?.enqueue(
      frames.length === 1 ? frames[0]! : joined(frames, this.#waitingBytes),
    );
    this.#waitingBytes = 0;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #end(end: SseEnd): void {
    if (!this.open) return;
    this.#ended.abort();
    if (end === "closed" && this.#waiting.length > 0) {
      this.#controller?.enqueue(joined(this.#waiting, this.#waitingBytes));
    }
    // A slow client's stream ends where it stands: what waits is dropped, and sent again when it resumes.
    if (end !== "gone") this.#controller?.close();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#drained?.resolve();
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
