/**
 * The bytes of AiFace messages become objects here, within bounds: what a message may take in memory, how large
 * it may be before it goes to a file, how long an unfinished object waits for its rest.
 * @module
 */
import type { Context } from "../context.ts";
import type { QuarantineFile } from "../quarantine.ts";
import { FrameScanner, type Scanned } from "./scan.ts";

/** All unfinished messages together take too much: this connection is given up, the device will send again. */
export class TooMuchHeld extends Error {
  override readonly name = "TooMuchHeld";
  override readonly message = "unfinished messages take too much memory";
}

/** Who takes what is too large to wait until all of it is there. */
export interface Spillway {
  /** The approved device that sends a message which begins like this; undefined when nothing is to be kept. */
  senderOf(head: string): string | undefined;
  /** Stores some of its records. */
  storeGroup(head: string, group: string): Promise<{ records: number; stored: boolean }>;
}

/** How long an object that was split over two messages may wait for its rest. */
const SPLIT_MS = 5_000;

export class MessageReader {
  readonly #scanner = new FrameScanner();
  readonly #context: Context;
  readonly #spillway: Spillway;
  /** Bytes since the object began. */
  #bytes = 0;
  #held = 0;
  #file: QuarantineFile | undefined;
  #spilled = { records: 0, stored: true };
  #splitSince: number | undefined;

  constructor(context: Context, spillway: Spillway) {
    this.#context = context;
    this.#spillway = spillway;
  }

  /** The beginning of the object that is unfinished. */
  get head(): string {
    return this.#scanner.headSoFar();
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

  /** Too large: what has come is stored and goes to a file, if it comes from a device that may send. */
  async #spill(found: Scanned[]): Promise<Scanned[]> {
    const object = found.find((scanned) => scanned.kind === "object");
    const head = object?.head ?? this.head;
    const groups = object?.items ?? this.#scanner.takeGroups();
    this.#count();
    if (!this.#file) {
      const sn = this.#spillway.senderOf(head);
      if (sn === undefined) return [];
      this.#file = await this.#context.quarantine.openFile(sn, this.#context.clock.now());
      this.#spilled = { records: 0, stored: true };
    }
    for (const group of groups) {
      await this.#file.write(`${group}\n`);
      if (!this.#spilled.stored) continue;
      const { records, stored } = await this.#spillway.storeGroup(head, group);
      this.#spilled = { records: this.#spilled.records + records, stored };
    }
    if (!object) return [];
    await this.#file.write(`${head}\n`);
    const spilled = { file: this.#file.name, ...this.#spilled };
    // What could not be stored will come again.
    if (spilled.stored) await this.#file.keep();
    else await this.#file.discard();
    this.#file = undefined;
    this.#bytes = 0;
    return found.with(found.indexOf(object), { kind: "object", head, items: [], spilled });
  }

  async #drop(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#bytes = 0;
    await file?.discard();
  }

  #count(): void {
    const { held } = this.#scanner;
    const change = held - this.#held;
    this.#held = held;
    if (!this.#context.turnstile.hold(change) && change > 0) throw new TooMuchHeld();
  }
}
