/**
 * A TCP connection read in pieces of at most 64 KiB, each used before the next is read: a slow commit
 * slows its sender down instead of filling memory. It has one deadline, which the listener checks.
 * @module
 */
import { Buffer } from "node:buffer";
import type { Clock } from "../../../core/mod.ts";
import type { ConnectionSlot } from "../devices/limits.ts";
import type { ReadScheduler } from "./read_scheduler.ts";

const FIRST_BYTES = 4 * 1024;
const MAX_BUFFER_BYTES = 64 * 1024;
/** What may wait for a peer that does not read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** Time that a stranger has for a whole message; devices wait no longer for an acknowledgement. */
const STRANGER_MESSAGE_MS = 15_000;

/** Unfinished messages take too much: this connection is closed, the device will send again. */
export class MessageMemoryError extends Error {
  override readonly name = "MessageMemoryError";
  override readonly message = "unfinished messages take too much memory";
}

export class Connection {
  readonly address: string;
  readonly slot: ConnectionSlot;
  readonly #conn: Deno.TcpConn;
  readonly #clock: Clock;
  readonly #pace: ReadScheduler;
  /** `clock.monotonic()`: for the next step, and for the whole message. */
  #deadline = Infinity;
  #messageDeadline = Infinity;
  #buffer = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(
    conn: Deno.TcpConn,
    { clock, pace, slot }: { clock: Clock; pace: ReadScheduler; slot: ConnectionSlot },
  ) {
    this.#conn = conn;
    this.#clock = clock;
    this.#pace = pace;
    this.slot = slot;
    this.address = addressOf(conn);
    try {
      // An acknowledgement is one small packet that a device waits for.
      conn.setNoDelay(true);
    } catch {
      // The peer has closed already: the next read ends.
    }
  }

  /** Whether this is an approved device's: it is not closed for newcomers. */
  get known(): boolean {
    return this.slot.known;
  }

  /** This is an approved device's: it has the devices' budget, and no deadline for a whole message. */
  recognise(): void {
    if (this.known) return;
    this.slot.recognise();
    this.messageEnds();
  }

  get late(): boolean {
    return this.#clock.monotonic() > Math.min(this.#deadline, this.#messageDeadline);
  }

  /** Sets how long the peer has for what it is to do next. */
  expectWithin(ms: number): void {
    this.#deadline = this.#clock.monotonic() + ms;
  }

  /** A message begins or goes on: a stranger's has a deadline. */
  messageBegins(): void {
    if (this.known || this.#messageDeadline !== Infinity) return;
    this.#messageDeadline = this.#clock.monotonic() + STRANGER_MESSAGE_MS;
  }

  /** Nothing is unfinished. */
  messageEnds(): void {
    this.#messageDeadline = Infinity;
  }

  /** Bytes that have arrived and were not consumed, at least one; null at the end. Theirs until the next call. */
  async read(): Promise<Uint8Array | null> {
    if (this.#start === this.#end && !await this.#fetch()) return null;
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** The same with more bytes than the last time; null at the end or beyond 64 KiB. */
  async readMore(): Promise<Uint8Array | null> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return await this.#fetch() ? this.#buffer.subarray(this.#start, this.#end) : null;
  }

  /** The first `count` of the bytes last read are done with. */
  consume(count: number): void {
    this.#start += count;
  }

  /** Sends bytes after those that still wait. Resolves when they are with the system; never rejects. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    if (this.#unsentBytes > MAX_UNSENT_BYTES) this.close();
    this.#sending ??= this.#send();
    return this.#sending;
  }

  /** Ends the connection; a `read` that waits gives null. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsent = [];
    try {
      this.#conn.close();
    } catch {
      // It was closed by the peer in the same moment.
    }
  }

  async #fetch(): Promise<boolean> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end === this.#buffer.length && !this.#grow()) return false;
    try {
      const count = await this.#conn.read(this.#buffer.subarray(this.#end));
      if (count === null || this.#closed) return false;
      const turn = this.#pace.take(count, this);
      if (turn) await turn;
      this.#end += count;
      // A read that fills the buffer is one of many: the next ones take more at once.
      if (this.#end === this.#buffer.length) this.#grow();
      return true;
    } catch {
      // Reset by the peer, or closed by us: the end either way.
      return false;
    }
  }

  #grow(): boolean {
    if (this.#buffer.length >= MAX_BUFFER_BYTES) return false;
    const grown = new Uint8Array(MAX_BUFFER_BYTES);
    grown.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = grown;
    return true;
  }

  async #send(): Promise<void> {
    try {
      while (this.#unsent.length > 0) {
        const bytes = Buffer.concat(this.#unsent);
        this.#unsent = [];
        for (let sent = 0; sent < bytes.length;) {
          sent += await this.#conn.write(bytes.subarray(sent));
        }
        this.#unsentBytes -= bytes.length;
      }
    } catch {
      this.close();
    } finally {
      this.#sending = undefined;
    }
  }
}

export function addressOf({ remoteAddr }: Deno.TcpConn): string {
  return remoteAddr.hostname.replace(/^::ffff:/, "");
}
