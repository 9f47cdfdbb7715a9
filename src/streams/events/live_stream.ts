/**
 * The live stream: every event of a mode to every client, in order, once. A client that resumes reads missed events in
 * pages, at its own pace, and joins the others at the end of the log:
 *
 *     log      1 2 3 4 5 6 7 8 9 10 11
 *     client       └page┘└page┘└─live──   (resumes after 2)
 *
 * The last page and joining are in one turn of the event loop, in which nothing can be committed.
 * @module
 */
import { type Clock, SseFanout, type SseRequest, type SseStream } from "../../core/mod.ts";
import { itemJson, itemOf, type StoredEvent } from "./event.ts";
import type { Appended, EventLog, SeqRange } from "./event_log.ts";

export interface LiveOptions {
  log: EventLog;
  clock: Clock;
}

/** Frames of new events that are not sent yet. */
interface Unsent {
  text: string;
  lastSeq: number;
}

/** Events of one page. */
const PAGE_EVENTS = 200;
/** Characters after which a page ends, so that it fits into a client's buffer. */
const PAGE_CHARACTERS = 1 << 17;
/** Bytes that may wait for a following client; with more it reads from the log, at its own pace. */
const MAX_WAITING_BYTES = 1 << 18;
/** Pause between two chunks, which join the events meanwhile. */
const PAUSE_MS = 20;

const encoder = new TextEncoder();

export class LiveStream {
  readonly #log: EventLog;
  /** The clients; those at the end of the log follow their mode. */
  readonly #fanout: SseFanout;
  readonly #unsent = new Map<string, Unsent>();
  #sentAt = -Infinity;
  #scheduled = false;

  constructor({ log, clock }: LiveOptions) {
    this.#log = log;
    this.#fanout = new SseFanout({ clock });
  }

  get clients(): number {
    return this.#fanout.clients;
  }

  /**
   * Sends the events after a `seq`; by default new events only.
   * @throws {Problem} 503 when `MAX_CLIENTS` are connected
   */
  open(
    mode: string,
    { since, request }: { since: number | undefined; request: SseRequest },
  ): Response {
    const stream = this.#fanout.open(request);
    const lastSeq = this.#log.lastSeq(mode);
    // A number beyond the log is from before a restore: the client gets new events.
    stream.lastId = Math.min(since ?? lastSeq, lastSeq);
    // An id without data is no message, but a browser that is cut before the first message resumes from it.
    if (since === undefined) stream.send(encoder.encode(`id: ${lastSeq}\n\n`));
    void this.#catchUp(mode, stream);
    return stream.response;
  }

  /** Called right after the commit of events. */
  publish(appended: Appended): void {
    if (this.clients === 0) return;
    for (const [index, { mode }] of appended.events.entries()) {
      if (this.#fanout.following(mode).size === 0) continue;
      const event = appended.stored(index);
      if (event) this.#add(mode, event.seq, frameText(event.seq, itemJson(event)));
    }
    if (this.#unsent.size > 0) this.#schedule();
  }

  /** Events of another program: sent when `first` is all of them, otherwise each follower reads them. */
  publishExternal(
    mode: string,
    { upTo, first }: SeqRange & { first: readonly StoredEvent[] },
  ): void {
    const following = this.#fanout.following(mode);
    if (following.size === 0) return;
    if (first.at(-1)?.seq === upTo) {
      for (const event of first) this.#add(mode, event.seq, readFrame(event));
      return this.#schedule();
    }
    this.#sendUnsent(mode);
    for (const stream of following) setTimeout(() => void this.#catchUp(mode, stream), 0);
    following.clear();
  }

  #add(mode: string, seq: number, text: string): void {
    const unsent = this.#unsent.get(mode);
    if (unsent) {
      unsent.text += text;
      unsent.lastSeq = seq;
    } else this.#unsent.set(mode, { text, lastSeq: seq });
  }

  async #catchUp(mode: string, stream: SseStream): Promise<void> {
    while (await stream.inTurn(() => this.#sendPage(mode, stream))) await stream.drained();
  }

  /** Sends the next page; at the end of the log the client joins those that follow. @returns whether to go on */
  #sendPage(mode: string, stream: SseStream): boolean {
    // First: unsent events are in the page as well, and must not be sent twice.
    this.#sendUnsent(mode);
    let text = "";
    let events = 0;
    for (const event of this.#log.span(mode, { since: stream.lastId })) {
      text += readFrame(event);
      stream.lastId = event.seq;
      if (++events === PAGE_EVENTS || text.length > PAGE_CHARACTERS) break;
    }
    if (events > 0) stream.send(encoder.encode(text));
    else this.#fanout.following(mode).add(stream);
    return events > 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const waitMs = Math.max(0, this.#sentAt + PAUSE_MS - performance.now());
    setTimeout(() => {
      this.#scheduled = false;
      this.#sentAt = performance.now();
      for (const mode of this.#unsent.keys()) this.#sendUnsent(mode);
    }, waitMs);
  }

  #sendUnsent(mode: string): void {
    const unsent = this.#unsent.get(mode);
    if (!unsent) return;
    this.#unsent.delete(mode);
    const frame = encoder.encode(unsent.text);
    const following = this.#fanout.following(mode);
    for (const stream of following) {
      const { waitingBytes } = stream;
      // A client with nothing waiting shares even a large frame; from the log, each client would have its own copy.
      if (waitingBytes > 0 && waitingBytes + frame.byteLength > MAX_WAITING_BYTES) {
        following.delete(stream);
        void stream.drained().then(() => this.#catchUp(mode, stream));
      } else {
        stream.lastId = unsent.lastSeq;
        stream.send(frame);
      }
    }
  }
}

/** The frame of a stored event: another program may have written its `meta` over several lines. */
function readFrame(event: StoredEvent): string {
  return frameText(event.seq, JSON.stringify(itemOf(event)));
}

function frameText(seq: number, json: string): string {
  return `id: ${seq}\ndata: ${json}\n\n`;
}
