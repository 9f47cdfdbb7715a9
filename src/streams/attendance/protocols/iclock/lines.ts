/**
 * Cuts the body of an iclock request into lines as it arrives. A line's first 2 KiB are kept: what is longer
 * holds a template or a photo.
 * @module
 */
import { ByteBuffer, linesOf } from "../../storage/text.ts";

const LF = 0x0a;
const MAX_LINE_BYTES = 2 * 1024;
/** When a group of lines is handed on: small enough to be parsed and stored in one go. */
const GROUP_BYTES = 16 * 1024;

export class LineScanner {
  readonly #buffer = new ByteBuffer(1024);
  #lineStart = 0;
  /** Whether the current line has more than white space. */
  #blank = true;
  /** How many lines had more than white space so far. */
  count = 0;

  /** The next bytes; groups of whole lines that they complete. */
  push(chunk: Uint8Array): string[][] {
    const groups: string[][] = [];
    let at = 0;
    while (at < chunk.length) {
      const lf = chunk.indexOf(LF, at);
      const end = lf < 0 ? chunk.length : lf;
      const room = MAX_LINE_BYTES - (this.#buffer.length - this.#lineStart);
      this.#buffer.append(chunk, at, Math.min(end, at + Math.max(0, room)));
      for (let i = at; this.#blank && i < end; i++) if (chunk[i]! > 0x20) this.#blank = false;
      if (lf < 0) break;
      this.#endLine();
      if (this.#buffer.length >= GROUP_BYTES) groups.push(this.#take());
      at = lf + 1;
    }
    return groups;
  }

  /** The body has ended; its last lines. */
  end(): string[] {
    this.#endLine();
    return this.#take();
  }

  #endLine(): void {
    if (this.#blank) {
      this.#buffer.truncate(this.#lineStart);
    } else {
      this.count++;
      this.#buffer.push(LF);
    }
    this.#lineStart = this.#buffer.length;
    this.#blank = true;
  }

  #take(): string[] {
    const lines = linesOf(this.#buffer.view()).slice(0, -1)
      .map((line) => line.replace(/\r$/, ""));
    this.#buffer.clear();
    this.#lineStart = 0;
    return lines;
  }
}
