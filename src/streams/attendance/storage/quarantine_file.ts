/**
 * A file of the quarantine. It takes text in pieces, and is kept once its entry is stored: until then its name says
 * that it is not whole. Where there is no room for it, its entry alone says what came.
 * @module
 */
import { logger } from "../../../core/mod.ts";
import type { Unreadable } from "./reading.ts";
import { stripSecrets } from "./redact.ts";

/** Behind the name of a file whose entry is not stored. */
export const PART = ".part";

const LEAST_BYTES = 1024 * 1024;

/** What a file counts as: a thousand small ones are as much to look through as a few large ones. */
export function countedBytes(size: number): number {
  return Math.max(LEAST_BYTES, size);
}

/** What all files may take together. */
export class QuarantineRoom {
  readonly #maxBytes: number;
  readonly #onFull: () => void;
  /** What files take that are kept, and that are being written. */
  #kept = 0;
  #open = 0;
  #full = false;

  /** @param onFull told when a file does not find the room it needs */
  constructor(maxBytes: number, onFull: () => void) {
    this.#maxBytes = maxBytes;
    this.#onFull = onFull;
  }

  /** Whether a file did not find room since it was last counted. */
  get full(): boolean {
    return this.#full;
  }

  /** Takes so much for a file that is being written; false when there is not so much left. */
  take(bytes: number): boolean {
    if (this.#kept + this.#open + bytes > this.#maxBytes) {
      this.#full = true;
      this.#onFull();
      return false;
    }
    this.#open += bytes;
    return true;
  }

  /** A file is over that took so much; `kept` or not. */
  settle(bytes: number, { kept }: { kept: boolean }): void {
    this.#open -= bytes;
    if (kept) this.#kept += bytes;
  }

  /** A kept file that took so much is gone. */
  forget(bytes: number): void {
    this.#kept = Math.max(0, this.#kept - bytes);
  }

  /** So much is taken by files that are kept. */
  count(bytes: number): void {
    this.#kept = bytes;
    this.#full = this.#kept + this.#open + LEAST_BYTES > this.#maxBytes;
  }
}

export class QuarantineFile {
  readonly name: string;
  readonly #path: string;
  readonly #room: QuarantineRoom;
  /** While it is being written. */
  #file: Deno.FsFile | undefined;
  #bytes = 0;
  #counted = 0;
  #state: "whole" | "full" | "over" = "whole";

  constructor(path: string, { name, room }: { name: string; room: QuarantineRoom }) {
    this.name = name;
    this.#path = path;
    this.#room = room;
    if (!this.#count(0)) return;
    try {
      this.#file = Deno.openSync(path + PART, { createNew: true, write: true });
    } catch (error) {
      room.settle(this.#counted, { kept: false });
      throw error;
    }
  }

  /** Whether there was no room for it. */
  get full(): boolean {
    return this.#state === "full";
  }

  /** Whole records or lines: a secret that is cut in two would not be seen. */
  async write(text: string): Promise<void> {
    if (this.#state === "full") return;
    const bytes = new TextEncoder().encode(stripSecrets(text));
    if (!this.#count(bytes.length)) return await this.#remove();
    for (let sent = 0; sent < bytes.length;) sent += await this.#file!.write(bytes.subarray(sent));
  }

  /** What was written is on the disk. */
  async finish(): Promise<void> {
    await this.#file?.sync();
    this.#close();
  }

  /** What is stored of it in the database. */
  entry(reason: string, raw: string): { unreadable: Unreadable[]; file?: string } {
    if (this.#state === "full") {
      return { unreadable: [{ reason: `${reason}, and the quarantine is full`, raw }] };
    }
    // With its name: what is sent twice has two files, and an entry for each.
    return { unreadable: [{ reason, raw: `${this.name} ${raw}` }], file: this.name };
  }

  /** Its entry is stored. */
  async keep(): Promise<void> {
    if (this.#state !== "whole") return;
    this.#state = "over";
    this.#room.settle(this.#counted, { kept: true });
    // What stays behind under the other name is found by its entry at the next start.
    await Deno.rename(this.#path + PART, this.#path).catch((error) =>
      logger("attendance").warn("Cannot rename {path}: {error}", { path: this.#path, error })
    );
  }

  /** Removes it unless it is kept. */
  async discard(): Promise<void> {
    if (this.#state !== "whole") return;
    this.#state = "over";
    await this.#remove();
  }

  /** Counts what comes; there is no file any more when it does not find room. */
  #count(more: number): boolean {
    this.#bytes += more;
    const bytes = countedBytes(this.#bytes) - this.#counted;
    if (!this.#room.take(bytes)) {
      this.#state = "full";
      return false;
    }
    this.#counted += bytes;
    return true;
  }

  async #remove(): Promise<void> {
    this.#close();
    this.#room.settle(this.#counted, { kept: false });
    const path = this.#path + PART;
    await Deno.remove(path).catch((error) =>
      logger("attendance").warn("Cannot remove {path}: {error}", { path, error })
    );
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
