/**
 * Reads the bytes of AiFace messages, with limits: memory for what is unfinished, and the time that an object split
 * over two messages may wait for its rest.
 * @module
 */
import { type Connection, MessageMemoryError } from "../../listener/connection.ts";
import type { ProtocolContext } from "../context.ts";
import { FrameScanner, type Scanned } from "./scan.ts";
import type { AifaceSession } from "./session.ts";

/** How long an object that was split over two messages may wait for its rest. */
const MAX_SPLIT_MS = 5_000;

export class MessageReader {
  readonly #scanner = new FrameScanner();
  readonly #context: ProtocolContext;
  readonly #session: AifaceSession;
  readonly #connection: Connection;
  #held = 0;
  #splitSince: number | undefined;

  constructor(context: ProtocolContext, session: AifaceSession, connection: Connection) {
    this.#context = context;
    this.#session = session;
    this.#connection = connection;
  }

  /** The beginning of the object that is unfinished. */
  get head(): string {
    return this.#scanner.headSoFar();
  }

  get pending(): boolean {
    return this.#scanner.pending;
  }

  /** A message begins with these bytes, which `push` gets as well. Returns the object that it cuts off, if any. */
  begin(chunk: Uint8Array): Scanned[] {
    this.#splitSince = undefined;
    return listed(this.#scanner.begin(chunk));
  }

  push(chunk: Uint8Array): Scanned[] {
    return this.#scanner.push(chunk);
  }

  end(): Scanned[] {
    if (this.#scanner.pending) this.#splitSince = this.#context.clock.monotonic();
    return listed(this.#scanner.end());
  }

  /** Gives up an object whose rest does not come; called every second. */
  sweep(): Scanned[] {
    const now = this.#context.clock.monotonic();
    const isOver = this.#splitSince !== undefined && now - this.#splitSince >= MAX_SPLIT_MS;
    return isOver ? this.close() : [];
  }

  close(): Scanned[] {
    this.#splitSince = undefined;
    return listed(this.#scanner.abandon());
  }

  /**
   * Counts what is unfinished to the connection's memory; called when the session has taken what was scanned.
   * @throws {MessageMemoryError}
   */
  countMemory(): void {
    const held = this.#scanner.held + this.#session.heldBytes;
    const change = held - this.#held;
    this.#held = held;
    const { known, slot } = this.#connection;
    if (this.pending && !known && this.#session.senderOf(this.head)) this.#connection.recognise();
    if (!slot.hold(change) && change > 0) throw new MessageMemoryError();
  }
}

function listed(garbage: Scanned | undefined): Scanned[] {
  return garbage ? [garbage] : [];
}
