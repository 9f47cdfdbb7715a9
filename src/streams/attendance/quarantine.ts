/**
 * The quarantine: what a device sent and nobody understands. It is kept, stripped of photos and secrets, so
 * that it may be acknowledged: a device that gets no answer sends the same thing for ever. What is too large
 * for the database lies in a file beside it.
 * @module
 */
import { hash } from "node:crypto";
import { type Instant, instantOf, logger } from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import { stripSecrets, stripText } from "./strip.ts";

/** An entry as the API answers it. */
export interface QuarantineEntry {
  id: number;
  device_sn: string;
  protocol: string;
  reason: string;
  raw: string;
  /** Where the whole of it lies, when it is too large for the database. */
  file: string | null;
  received_at: Instant;
}

export interface Unknown {
  sn: string;
  protocol: string;
  reason: string;
  raw: string;
  file?: string;
  receivedMs: number;
}

/** Behind the name of a file whose entry is not stored. */
const PART = ".part";

export class Quarantine {
  /** Where what is too large is put. */
  readonly folder: string;
  readonly #insert: Statement;
  readonly #list: Statement;
  #files = 0;

  constructor(store: Store, { folder }: { folder: string }) {
    this.folder = folder;
    this.#insert = store.db.prepare(
      `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, file, received_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
    );
    this.#list = store.db.prepare(
      `SELECT seq AS id, device_sn, protocol, reason, raw, file, received_at FROM device_quarantine
       WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
    );
  }

  /** Keeps something, once however often it comes; called inside `write`. */
  add({ sn, protocol, reason, raw, file, receivedMs }: Unknown): void {
    const text = stripText(raw);
    const key = hash("sha256", `${sn}|${protocol}|${text}`, "hex");
    this.#insert.run(key, sn, protocol, reason, text, file ?? null, instantOf(receivedMs));
  }

  /** Entries, newest first, before the one with this id. */
  list({ limit, before }: { limit: number; before?: number | undefined }): QuarantineEntry[] {
    // The columns are those of the statement, with the types of the table.
    return this.#list.all(before ?? Number.MAX_SAFE_INTEGER, limit) as unknown as QuarantineEntry[];
  }

  /** A new file for something too large; the folder is made when it is first needed. */
  async openFile(sn: string, receivedMs: number): Promise<QuarantineFile> {
    await Deno.mkdir(this.folder, { recursive: true });
    const time = instantOf(receivedMs).replaceAll(/[:.]/g, "-");
    const name = `${time}-${sn}-${++this.#files}.txt`;
    return new QuarantineFile(name, `${this.folder}/${name}`);
  }
}

/** Takes text in pieces. It is kept once its entry is stored; until then its name says that it is not whole. */
export class QuarantineFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #state: "open" | "finished" | "over" = "open";

  constructor(readonly name: string, path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path + PART, { createNew: true, write: true });
  }

  /** Whole records or lines: a secret that is cut in two would not be seen. */
  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(stripSecrets(text));
    for (let sent = 0; sent < bytes.length;) sent += await this.#file.write(bytes.subarray(sent));
  }

  /** What was written is on the disk. */
  async finish(): Promise<void> {
    await this.#file.sync();
    this.#file.close();
    this.#state = "finished";
  }

  /** Its entry is stored. */
  async keep(): Promise<void> {
    this.#state = "over";
    // What stays behind under the other name is found by its entry at the next start.
    await Deno.rename(this.#path + PART, this.#path).catch((error) =>
      logger("attendance").warn("Cannot rename {path}: {error}", { path: this.#path, error })
    );
  }

  /** Removes it unless it is kept. */
  async discard(): Promise<void> {
    if (this.#state === "over") return;
    if (this.#state === "open") this.#file.close();
    this.#state = "over";
    const path = this.#path + PART;
    await Deno.remove(path).catch((error) =>
      logger("attendance").warn("Cannot remove {path}: {error}", { path, error })
    );
  }
}
