/** Bytes of a device as text: UTF-8 in newer firmware, the code page of its language in names of older ones. @module */

/** A buffer that grows, keeps its room when emptied, and gives text. */
export class ByteBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  push(byte: number): void {
    if (this.length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.length++] = byte;
  }

  append(from: Uint8Array, start = 0, end: number = from.length): void {
    const count = end - start;
    if (this.length + count > this.#bytes.length) this.#reserve(count);
    if (count < 48) {
      for (let i = start; i < end; i++) this.#bytes[this.length++] = from[i]!;
    } else {
      this.#bytes.set(from.subarray(start, end), this.length);
      this.length += count;
    }
  }

  truncate(length: number): void {
    this.length = length;
  }

  /** Forgets the content, and the room it took if that was unusual. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length > 1 << 20) this.#bytes = new Uint8Array(1024);
  }

  /** The content from `start` on; valid until the buffer changes. */
  view(start = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(start, this.length);
  }

  text(): string {
    return textOf(this.view());
  }

  #reserve(count: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const gb18030 = new TextDecoder("gb18030", { fatal: true });
const windows1252 = new TextDecoder("windows-1252");

/** A Chinese character inside a Latin word: two letters with accents that stand side by side, as in "Größe". */
const INSIDE_WORD = /[a-z]\p{sc=Han}|\p{sc=Han}[a-z]|[A-Z]\p{sc=Han}+[A-Z]/u;

/** The text of bytes in whichever encoding fits: UTF-8, GB18030, else Windows-1252, which always does. */
export function textOf(bytes: Uint8Array): string {
  return decoded(utf8, bytes) ?? chinese(bytes) ?? windows1252.decode(bytes);
}

/** The lines of bytes, without their ends; each is decoded by itself where not all of them are UTF-8. */
export function linesOf(bytes: Uint8Array): string[] {
  const text = decoded(utf8, bytes);
  if (text !== undefined) return text.split("\n");
  const lines: string[] = [];
  for (let start = 0; start <= bytes.length;) {
    const lf = bytes.indexOf(0x0a, start);
    const end = lf < 0 ? bytes.length : lf;
    lines.push(textOf(bytes.subarray(start, end)));
    start = end + 1;
  }
  return lines;
}

/** GB18030 takes a letter with an accent and what follows it for one character: "Müller" has no two such bytes together. */
function chinese(bytes: Uint8Array): string | undefined {
  const isPaired = bytes.some((byte, at) => byte >= 0x80 && bytes[at + 1]! >= 0x80);
  const text = isPaired ? decoded(gb18030, bytes) : undefined;
  return text === undefined || INSIDE_WORD.test(text) ? undefined : text;
}

function decoded(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
