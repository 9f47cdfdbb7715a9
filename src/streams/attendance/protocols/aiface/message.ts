/**
 * The bytes of AiFace messages become objects here, within bounds: what a message may take in memory, how large
 * it may be before it goes to a file, how long an unfinished object waits for its rest.
 * @module
 */
import type { Context } from "../context.ts";
import { type Connection, TooMuchHeld } from "../../listener/connection.ts";
import type { StoredGroup } from "./records.ts";
import { FrameScanner, type Scanned, type Spilled, type Spilling } from "./scan.ts";

/** Who takes what is too large to wait until all of it is there. */
export interface Spillway {
  /** The device that sends a message which begins like this; undefined when it is none, or not at its address. */
  senderOf(head: string): string | undefined;
  /** What a message is that begins like this; undefined while it does not tell, or is no approved device's. */
  spilling(head: string): Spilling | undefined;
  /** Stores some of its punches. */
  storeGroup(sn: string, group: string): Promise<StoredGroup>;
}

/** How long an object that was split over two messages may wait for its rest. */
const SPLIT_MS = 5_000;

export class MessageReader {
  readonly #scanner = new FrameScanner();
  readonly #context: Context;
  readonly #spillway: Spillway;
  readonly #connection: Connection;
  /** Bytes since the object began. */
  #bytes = 0;
  #held = 0;
  #spilled: Spilled | undefined;
  #splitSince: number | undefined;

  constructor(context: Context, spillway: Spillway, connection: Connection) {
    this.#context = context;
    this.#connection = connection;
    this.#spillway = spillway;
  }

  /** The beginning of the object that is unfinished. */
  get head(): string {
    return this.#scanner.headSoFar();
  }

  /** Whether an object is unfinished. */
  get pending(): boolean {
    return this.#scanner.pending;
  }

  /** A message begins with these bytes, which `push` gets as well. What it cuts off, if it does. */
  begin(chunk: Uint8Array): Promise<Scanned[]> | undefined {
    this.#splitSince = undefined;
    const garbage = this.#scanner.begin(chunk);
    if (!this.#scanner.pending) this.#bytes = 0;
    return garbage && this.#drop().then(() => [garbage]);
  }

  /** What these bytes complete. */
  push(chunk: Uint8Array): Scanned[] | Promise<Scanned[]> {
    this.#bytes += chunk.length;
    const found = this.#scanner.push(chunk);
    if (this.#bytes > this.#context.turnstile.limits.messageBytes) return this.#spill(found);
    this.#count();
    // The limit is for one object, not for many that come together.
    if (found.some(({ kind }) => kind === "object")) this.#bytes = 0;
    return found;
  }

  /** The message has ended. */
  end(): Scanned[] {
    if (this.#scanner.pending) this.#splitSince = this.#context.clock.monotonic();
    const garbage = this.#scanner.end();
    return garbage ? [garbage] : [];
  }

  /** Gives up an object whose rest does not come; called every few seconds. */
  async sweep(): Promise<Scanned[]> {
    const { clock } = this.#context;
    if (this.#splitSince === undefined || clock.monotonic() - this.#splitSince < SPLIT_MS) {
      return [];
    }
    return await this.close();
  }

  /** Gives up what is unfinished. */
  async close(): Promise<Scanned[]> {
    this.#splitSince = undefined;
    const garbage = this.#scanner.abandon();
    await this.#drop();
    this.#count();
    return garbage ? [garbage] : [];
  }

  /** Too large: what has come is stored and goes to a file, once it is known what it is. */
  async #spill(found: Scanned[]): Promise<Scanned[]> {
    const object = found.find((scanned) => scanned.kind === "object");
    const spilled = this.#spilled ??= await this.#begin(object?.head ?? this.head);
    if (!spilled) {
      // It stays in memory for as long as there is room: what is let go of could not be stored any more when it
      // turns out at the end whose it is.
      this.#count();
      if (object) this.#bytes = 0;
      return found;
    }
    const groups = object?.items ?? this.#scanner.takeGroups();
    this.#count();
    for (const group of groups) {
      await spilled.file.write(`${group}\n`);
      if (!spilled.punches || !spilled.stored) continue;
      const { records, stored, days } = await this.#spillway.storeGroup(spilled.sn, group);
      spilled.records += records;
      spilled.stored = stored;
      spilled.days = [...new Set([...spilled.days, ...days])].sort();
    }
    if (!object) {
      // Hopeless: nothing more of it is looked at.
      if (!this.#scanner.pending) await this.#drop();
      return found;
    }
    await spilled.file.write(`${object.head}\n`);
    this.#spilled = undefined;
    this.#bytes = 0;
    return found.with(found.indexOf(object), { ...object, items: [], spilled });
  }

  async #begin(head: string): Promise<Spilled | undefined> {
    const spilling = this.#spillway.spilling(head);
    if (!spilling) return undefined;
    const { quarantine, clock } = this.#context;
    const file = await quarantine.openFile(spilling.sn, clock.now());
    return { ...spilling, file, records: 0, stored: true, days: [] };
  }

  async #drop(): Promise<void> {
    const spilled = this.#spilled;
    this.#spilled = undefined;
    this.#bytes = 0;
    await spilled?.file.discard();
  }

  #count(): void {
    const { held, pending } = this.#scanner;
    const change = held - this.#held;
    this.#held = held;
    const { known, seat } = this.#connection;
    if (pending && !known && this.#spillway.senderOf(this.head)) this.#connection.recognise();
    if (!seat.hold(change) && change > 0) throw new TooMuchHeld();
  }
}
