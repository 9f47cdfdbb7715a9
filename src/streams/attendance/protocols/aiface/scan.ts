/**
 * Splits the bytes of AiFace messages into JSON objects as they arrive, without photos, and returns the records of
 * an object in groups before it has ended: a message of any size takes a few KiB. It knows strings and braces only.
 *
 *     {"cmd":"sendlog","count":900,"record":[{"enrollid":7,"image":"/9j/4AAQ…20 MiB…"}, … {"enrollid":8}]}
 *      records  head {"cmd":"sendlog","count":900,"record":[   group {"enrollid":7,"image":""}, … 16 KiB
 *      object   head {"cmd":"sendlog","count":900,"record":[]} group … {"enrollid":8}
 *
 * Several objects in one message, and one object over several messages, are both fine.
 * @module
 */
import { ByteBuffer, textOf } from "../../storage/text.ts";

/** Complete records of an object that has not ended. */
export interface ScannedRecords {
  kind: "records";
  /** The object so far, without its records: at most 4 KiB. */
  head: string;
  /** The records, joined by commas: about 16 KiB, small enough to parse in one go. */
  group: string;
}

export interface ScannedObject {
  kind: "object";
  /** The object's JSON, the items of its `record` array taken out. */
  head: string;
  /** The items that were not handed out before; empty if there are none. */
  group: string;
}

/** Bytes that belong to no object, or an object that never ended. */
export interface ScannedGarbage {
  kind: "garbage";
  text: string;
}

export type Scanned = ScannedRecords | ScannedObject | ScannedGarbage;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** A string longer than this is a photo or a template and becomes "". */
const MAX_STRING_BYTES = 2 * 1024;
/** When a group of items is complete. */
const GROUP_BYTES = 16 * 1024;
const MAX_DEPTH = 32;
/** Largest text that is parsed at once: an object without its items, or one item. */
const MAX_PART_BYTES = 512 * 1024;
/** Beginning of an object in which its sender and kind are looked for, with every chunk. */
const MAX_HEAD_BYTES = 4 * 1024;
/** Kept of bytes that are no object. */
const MAX_GARBAGE_BYTES = 16 * 1024;

export class FrameScanner {
  readonly #head = new ByteBuffer(512);
  readonly #items = new ByteBuffer(512);
  readonly #garbage = new ByteBuffer(64);

  #depth = 0;
  /** Inside the array whose items are taken out: at depth 2, or deeper inside an item. */
  #inRecords = false;
  #inItem = false;

  #inString = false;
  /** Where the string begins in the output. */
  #stringStart = 0;
  #stringTooLong = false;
  /** Whether the last byte of the string so far escapes the next one. */
  #escaping = false;

  /** Nested too deep, or too much to be parsed: the rest of the message is not looked at. */
  #hopeless = false;

  /** Whether an object has begun and not ended. */
  get pending(): boolean {
    return this.#depth > 0;
  }

  /** How many bytes the unfinished object takes in memory. */
  get held(): number {
    return this.#head.length + this.#items.length;
  }

  /**
   * A new message begins. If an object is unfinished and the message looks like one of its own, the unfinished
   * one will never end.
   */
  begin(chunk: Uint8Array): ScannedGarbage | undefined {
    this.#hopeless = false;
    if (!this.pending || !looksLikeMessage(chunk)) return undefined;
    return this.abandon();
  }

  /** The unfinished object so far, without its records. */
  headSoFar(): string {
    return textOf(this.#head.view().subarray(0, MAX_HEAD_BYTES));
  }

  /** Gives up the unfinished object. */
  abandon(): ScannedGarbage | undefined {
    if (!this.pending) return undefined;
    const text = [this.#head.text(), this.#items.text()]
      .filter((part) => part !== "").join(" … ").slice(0, MAX_GARBAGE_BYTES);
    this.#reset();
    return { kind: "garbage", text };
  }

  /** The next bytes of a message; whatever they complete. */
  push(chunk: Uint8Array): Scanned[] {
    const found: Scanned[] = [];
    let at = 0;
    while (at < chunk.length && !this.#hopeless) {
      if (this.#inString) at = this.#string(chunk, at);
      else if (this.#depth === 0) at = this.#between(chunk, at, found);
      else at = this.#structure(chunk, at, found);
    }
    if (Math.max(this.#head.length, this.#items.length) > MAX_PART_BYTES) {
      this.#hopeless = true;
      found.push(this.abandon()!);
    }
    return found;
  }

  /** The message has ended; an unfinished object may go on in the next. */
  end(): ScannedGarbage | undefined {
    this.#hopeless = false;
    return this.#takeGarbage();
  }

  #between(chunk: Uint8Array, from: number, found: Scanned[]): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === OPEN_BRACE) {
        const garbage = this.#takeGarbage();
        if (garbage) found.push(garbage);
        return this.#structure(chunk, at, found);
      }
      // White space, NUL padding, a byte order mark and commas between objects mean nothing.
      const blank = byte <= 0x20 || byte === COMMA || byte === 0xef || byte === 0xbb ||
        byte === 0xbf;
      if (this.#garbage.length < MAX_GARBAGE_BYTES && (!blank || this.#garbage.length > 0)) {
        this.#garbage.push(byte);
      }
    }
    return chunk.length;
  }

  #structure(chunk: Uint8Array, from: number, found: Scanned[]): number {
    let out = this.#inItem ? this.#items : this.#head;
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      switch (byte) {
        case QUOTE:
          out.push(byte);
          this.#inString = true;
          this.#stringStart = out.length;
          return at + 1;
        case OPEN_BRACE:
        case OPEN_BRACKET:
          if (this.#depth >= MAX_DEPTH) {
            this.#hopeless = true;
            found.push(this.abandon()!);
            return chunk.length;
          }
          if (byte === OPEN_BRACE && this.#inRecords && this.#depth === 2) {
            this.#inItem = true;
            out = this.#items;
            if (out.length > 0) out.push(COMMA);
          } else if (byte === OPEN_BRACKET && this.#depth === 1 && this.#afterRecordKey()) {
            this.#inRecords = true;
          }
          this.#depth++;
          out.push(byte);
          break;
        case CLOSE_BRACE:
        case CLOSE_BRACKET:
          this.#depth--;
          out.push(byte);
          if (this.#inItem && this.#depth === 2) {
            this.#inItem = false;
            out = this.#head;
            if (this.#items.length >= GROUP_BYTES) {
              found.push({ kind: "records", head: this.headSoFar(), group: this.#takeGroup() });
            }
          } else if (this.#depth === 1) {
            this.#inRecords = false;
          } else if (this.#depth === 0) {
            found.push(this.#finish());
            return at + 1;
          }
          break;
        default:
          // Between items there are only commas and blanks; they go with the items.
          if (this.#inRecords && this.#depth === 2 && (byte <= 0x20 || byte === COMMA)) break;
          if (byte !== 0) out.push(byte);
      }
    }
    return chunk.length;
  }

  /** Inside a string: continues to its end, or to the end of the chunk. */
  #string(chunk: Uint8Array, from: number): number {
    const out = this.#inItem ? this.#items : this.#head;
    const quote = chunk.indexOf(QUOTE, from);
    const end = quote < 0 ? chunk.length : quote;
    let backslashes = 0;
    for (let at = end - 1; at >= from && chunk[at] === BACKSLASH; at--) backslashes++;
    const escaped = (backslashes % 2 === 1) !==
      (backslashes === end - from && this.#escaping);

    if (!this.#stringTooLong) {
      if (out.length - this.#stringStart + (end - from) > MAX_STRING_BYTES) {
        out.truncate(this.#stringStart);
        this.#stringTooLong = true;
      } else {
        out.append(chunk, from, end);
      }
    }
    if (quote < 0) {
      this.#escaping = escaped;
      return end;
    }
    this.#escaping = false;
    if (escaped) {
      if (!this.#stringTooLong) out.push(QUOTE);
      return quote + 1;
    }
    out.push(QUOTE);
    this.#inString = false;
    this.#stringTooLong = false;
    return quote + 1;
  }

  #afterRecordKey(): boolean {
    const tail = this.#head.view(Math.max(0, this.#head.length - 24));
    return /"\s*record\s*"\s*:\s*$/i.test(String.fromCharCode(...tail));
  }

  #takeGroup(): string {
    const group = this.#items.text();
    this.#items.clear();
    return group;
  }

  #finish(): ScannedObject {
    const object: ScannedObject = {
      kind: "object",
      head: this.#head.text(),
      group: this.#takeGroup(),
    };
    this.#reset();
    return object;
  }

  #takeGarbage(): ScannedGarbage | undefined {
    if (this.#garbage.length === 0) return undefined;
    const text = this.#garbage.text();
    this.#garbage.clear();
    return { kind: "garbage", text };
  }

  #reset(): void {
    this.#head.clear();
    this.#items.clear();
    this.#depth = 0;
    this.#inRecords = this.#inItem = false;
    this.#inString = this.#stringTooLong = this.#escaping = false;
  }
}

/** Whether bytes begin as a message of the protocol does: with its `cmd` or `ret`. */
function looksLikeMessage(chunk: Uint8Array): boolean {
  return /^[\s\0\u00ef\u00bb\u00bf]*\{\s*"\s*(?:cmd|ret)\s*"/i
    .test(String.fromCharCode(...chunk.subarray(0, 64)));
}
