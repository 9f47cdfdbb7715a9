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

/** Takes text in pieces; what was written is on the disk once it is kept. */
export class QuarantineFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;

  constructor(readonly name: string, path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path, { createNew: true, write: true });
  }

  /** Whole records or lines: a secret that is cut in two would not be seen. */
  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(stripSecrets(text));
    for (let sent = 0; sent < bytes.length;) sent += await this.#file.write(bytes.subarray(sent));
  }

  async keep(): Promise<void> {
    await this.#file.sync();
    this.#file.close();
  }

  async discard(): Promise<void> {
    this.#file.close();
    await Deno.remove(this.#path).catch((error) =>
      logger("attendance").warn("Cannot remove {path}: {error}", { path: this.#path, error })
    );
  }
}
