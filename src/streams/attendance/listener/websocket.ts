/**
 * The server's side of RFC 6455, as bytes: frames are handed on in pieces as they arrive, unmasked in place.
 * @module
 */
import { createHash } from "node:crypto";

/** What arrives: a message begins, its bytes come in pieces, it ends; or a control frame. */
export type FrameEvent =
  | { kind: "begin" }
  | { kind: "data"; bytes: Uint8Array }
  | { kind: "end" }
  | { kind: "ping"; bytes: Uint8Array }
  | { kind: "pong" }
  | { kind: "close"; code: number };

/** The peer broke the protocol; the connection is closed with this code. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  constructor(message: string, readonly code = 1002) {
    super(message);
  }
}

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The bytes that answer an upgrade; undefined when the request is none. */
export function upgradeAnswer(headers: ReadonlyMap<string, string>): Uint8Array | undefined {
  const key = headers.get("sec-websocket-key");
  if (!key || headers.get("upgrade")?.toLowerCase() !== "websocket") return undefined;
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return new TextEncoder().encode([
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    "",
    "",
  ].join("\r\n"));
}

export class FrameReader {
  /** Header bytes gathered so far: 2, then up to 8 of length and 4 of mask. */
  readonly #header = new Uint8Array(14);
  #headerLength = 0;
  #mask = new Uint8Array(4);
  /** Payload bytes still to come of the current frame; -1 while its header is being read. */
  #left = -1;
  #position = 0;
  #opcode = 0;
  #final = false;
  /** Inside a message of several frames. */
  #inMessage = false;
  #control = new Uint8Array(125);

  /**
   * What the bytes bring, in order. The consumer may take its time between two events; `bytes` of an event are
   * part of the chunk.
   * @throws {ProtocolError}
   */
  *read(chunk: Uint8Array): Generator<FrameEvent> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left < 0) {
        this.#header[this.#headerLength++] = chunk[at++]!;
        if (this.#headerLength < headerLength(this.#header, this.#headerLength)) continue;
        const begins = this.#begin();
        if (begins) yield begins;
        if (this.#left > 0) continue;
      } else {
        const count = Math.min(this.#left, chunk.length - at);
        const bytes = chunk.subarray(at, at + count);
        this.#unmask(bytes);
        at += count;
        this.#left -= count;
        if (this.#opcode < 8) yield { kind: "data", bytes };
        else this.#control.set(bytes, this.#position - count);
      }
      if (this.#left === 0) {
        this.#left = -1;
        const ends = this.#end();
        if (ends) yield ends;
      }
    }
  }

  #begin(): FrameEvent | undefined {
    const first = this.#header[0]!;
    const second = this.#header[1]!;
    this.#headerLength = 0;
    const view = new DataView(this.#header.buffer);
    const short = second & 0x7f;
    const length = short < 126
      ? short
      : short === 126
      ? view.getUint16(2)
      : view.getUint32(2) * 2 ** 32 + view.getUint32(6);
    const maskAt = short < 126 ? 2 : short === 126 ? 4 : 10;
    // A client must mask; frames without a mask are accepted.
    if (second & 0x80) this.#mask.set(this.#header.subarray(maskAt, maskAt + 4));
    else this.#mask.fill(0);
    this.#final = (first & 0x80) !== 0;
    this.#opcode = first & 0x0f;
    this.#left = length;
    this.#position = 0;

    if (first & 0x70) throw new ProtocolError("reserved bits are set");
    // RFC 6455 5.2: the highest bit of a length is 0.
    if (length >= 2 ** 63) throw new ProtocolError("a length that is none");
    switch (this.#opcode) {
      case OPCODE.continuation:
        if (!this.#inMessage) throw new ProtocolError("a continuation of nothing");
        return undefined;
      case OPCODE.text:
      case OPCODE.binary:
        if (this.#inMessage) throw new ProtocolError("a message within a message");
        this.#inMessage = true;
        return { kind: "begin" };
      case OPCODE.close:
      case OPCODE.ping:
      case OPCODE.pong:
        if (!this.#final || length > 125) throw new ProtocolError("a control frame is too long");
        return undefined;
      default:
        throw new ProtocolError("an unknown kind of frame");
    }
  }

  #end(): FrameEvent | undefined {
    const payload = this.#control.slice(0, this.#position);
    switch (this.#opcode) {
      case OPCODE.close:
        return {
          kind: "close",
          code: payload.length >= 2 ? payload[0]! * 256 + payload[1]! : 1005,
        };
      case OPCODE.ping:
        return { kind: "ping", bytes: payload };
      case OPCODE.pong:
        return { kind: "pong" };
    }
    if (!this.#final) return undefined;
    this.#inMessage = false;
    return { kind: "end" };
  }

  #unmask(bytes: Uint8Array): void {
    const mask = this.#mask;
    const { length, byteOffset } = bytes;
    let position = this.#position;
    let at = 0;
    if (length >= 64) {
      // To a boundary of four byte by byte, then four at a time.
      while ((byteOffset + at) % 4 !== 0) bytes[at++]! ^= mask[position++ & 3]!;
      const turned = new Uint8Array([0, 1, 2, 3].map((i) => mask[(position + i) & 3]!));
      const word = new Uint32Array(turned.buffer)[0]!;
      const words = new Uint32Array(bytes.buffer, byteOffset + at, (length - at) >> 2);
      for (let i = 0; i < words.length; i++) words[i]! ^= word;
      position += words.length * 4;
      at += words.length * 4;
    }
    while (at < length) bytes[at++]! ^= mask[position++ & 3]!;
    this.#position = position;
  }
}

export function textFrame(text: string): Uint8Array {
  return frame(OPCODE.text, new TextEncoder().encode(text));
}

export function pingFrame(): Uint8Array {
  return frame(OPCODE.ping, new Uint8Array());
}

export function pongFrame(payload: Uint8Array): Uint8Array {
  return frame(OPCODE.pong, payload);
}

export function closeFrame(code: number, reason = ""): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, 123);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return frame(OPCODE.close, payload);
}

function frame(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = new Uint8Array(2 + extra + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  const view = new DataView(bytes.buffer);
  if (extra === 2) view.setUint16(2, length);
  if (extra === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(payload, 2 + extra);
  return bytes;
}

/** How long the header is, as far as its first bytes tell. */
function headerLength(header: Uint8Array, known: number): number {
  if (known < 2) return 2;
  const short = header[1]! & 0x7f;
  return 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + (header[1]! & 0x80 ? 4 : 0);
}
