/**
 * The quarantine: what a device sent and nobody understands. It is kept, stripped of photos and secrets, so
 * that it may be acknowledged: a device that gets no answer sends the same thing for ever. What is too large
 * for the database lies in a file beside it.
 * @module
 */
import { hash } from "node:crypto";
import type { QuarantineEntry } from "../../../contract/attendance.ts";
import {
  type Clock,
  type Instant,
  instantOf,
  logger,
  msOf,
  type Warnings,
} from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import { countedBytes, PART, QuarantineFile, QuarantineRoom } from "./quarantine_file.ts";
import { stripText } from "./redact.ts";

export interface Unknown {
  sn: string;
  protocol: string;
  reason: string;
  raw: string;
  file?: string;
  receivedMs: number;
}

/** The warning that there is no more room for files. */
const FULL = "attendance.quarantine";
/** The warning that something was not understood lately. */
const NEWS = "attendance.not-understood";
/** How long after the last of it people are told. */
const NEWS_MS = 7 * 86_400_000;
/** `2026-10-05T03-50-00-000Z-DEV1-1.txt`: when it was begun, and whose it is. */
const NAME = /^(\d{4}-\d\d-\d\d)T[\d-]{12}Z-[\w-]{1,64}-\d+\.txt$/;
/** Among so many entries is that of a file which a kill kept from its name. */
const NEWEST = 1_000;
const DAY_MS = 86_400_000;

export class Quarantine {
  /** Where what is too large is put. */
  readonly folder: string;
  readonly #clock: Clock;
  readonly #warnings: Warnings;
  readonly #room: QuarantineRoom;
  readonly #insert: Statement;
  readonly #list: Statement;
  readonly #delete: Statement;
  readonly #size: Statement;
  #files = 0;

  /** @param options.maxBytes what all files may take together */
  constructor(
    store: Store,
    { folder, maxBytes, warnings, clock }: {
      folder: string;
      maxBytes: number;
      warnings: Warnings;
      clock: Clock;
    },
  ) {
    this.#clock = clock;
    this.folder = folder;
    this.#warnings = warnings;
    this.#room = new QuarantineRoom(maxBytes, () => {
      const mib = Math.round(maxBytes / (1 << 20));
      warnings.raise(
        FULL,
        `The quarantine is full (${mib} MiB). Of what is too large for the database only the punches are kept ` +
          `from now on. Look through ${folder} and remove what is not needed`,
      );
    });
    this.#insert = store.db.prepare(
      `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, file, received_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
    );
    this.#list = store.db.prepare(
      `SELECT seq AS id, device_sn, protocol, reason, raw, file, received_at FROM device_quarantine
       WHERE seq < ? AND seq >= ? ORDER BY seq DESC`,
    );
    this.#delete = store.db.prepare("DELETE FROM device_quarantine WHERE seq = ?");
    this.#size = store.db.prepare("SELECT count(*) AS n FROM device_quarantine");
  }

  /** Keeps something, once however often it comes; called inside `write`. */
  add({ sn, protocol, reason, raw, file, receivedMs }: Unknown): void {
    const text = stripText(raw);
    const key = hash("sha256", `${sn}|${protocol}|${text}`, "hex");
    this.#insert.run(key, sn, protocol, reason, text, file ?? null, instantOf(receivedMs));
  }

  /** Entries, newest first, before the one with this id. */
  list({ limit, before }: { limit: number; before?: number | undefined }): QuarantineEntry[] {
    return [...this.span({ before }).take(limit)];
  }

  /** Entries, newest first, before one id and not before another, as many as are taken. */
  *span(
    { before = Number.MAX_SAFE_INTEGER, from = 0 }: {
      before?: number | undefined;
      from?: number | undefined;
    },
  ): Generator<QuarantineEntry> {
    // The columns are those of the statement, with the types of the table.
    for (const row of this.#list.iterate(before, from)) yield row as unknown as QuarantineEntry;
  }

  /** One entry. */
  entry(id: number): QuarantineEntry | undefined {
    const [entry] = this.list({ limit: 1, before: id + 1 });
    return entry?.id === id ? entry : undefined;
  }

  /** How many entries there are: of the at most 10 000, in a millisecond. */
  get size(): number {
    return Number(this.#size.get()?.n);
  }

  /** Removes an entry that is punches now; called inside `write`. */
  discard(id: number): void {
    this.#delete.run(id);
  }

  /** Warns of what was not understood within the last week. */
  tell(): void {
    const [newest] = this.list({ limit: 1 });
    if (!newest || this.#clock.now() - msOf(newest.received_at) > NEWS_MS) {
      return this.#warnings.clear(NEWS);
    }
    const { size } = this;
    this.#warnings.raise(
      NEWS,
      `${
        size === 1 ? "A thing" : `${size} things`
      } that devices sent could not be understood, the last from ` +
        `${newest.device_sn}: ${newest.reason}. Look at \`clockblock quarantine list\`; after an update ` +
        "`clockblock quarantine retry --all` reads them again",
    );
  }

  /** A new file for something too large; the folder is made when it is first needed. */
  async openFile(sn: string, receivedMs: number): Promise<QuarantineFile> {
    await Deno.mkdir(this.folder, { recursive: true });
    await this.look();
    const time = instantOf(receivedMs).replaceAll(/[:.]/g, "-");
    const name = `${time}-${sn}-${++this.#files}.txt`;
    return new QuarantineFile(`${this.folder}/${name}`, { name, room: this.#room });
  }

  /**
   * What an agent that was killed left: a file whose entry is stored gets its name, others go, because they were
   * never acknowledged. Called before there are new ones.
   */
  async tidy(): Promise<void> {
    const names = (await this.#names()).filter((name) => name.endsWith(PART))
      .map((name) => name.slice(0, -PART.length)).filter((name) => NAME.test(name));
    const newest = names.length > 0 ? this.list({ limit: NEWEST }) : [];
    const known = new Set(newest.map(({ file }) => file));
    for (const name of names) {
      const path = `${this.folder}/${name}`;
      if (known.has(name)) await Deno.rename(path + PART, path);
      else await Deno.remove(path + PART);
    }
    await this.#count();
  }

  /** Counts anew when there was no room: somebody may have made some. */
  async look(): Promise<void> {
    if (!this.#room.full) return;
    await this.#count();
    if (!this.#room.full) this.#warnings.clear(FULL);
  }

  /** Removes a file. */
  async remove(name: string): Promise<void> {
    const path = `${this.folder}/${name}`;
    try {
      const { size } = await Deno.lstat(path);
      await Deno.remove(path);
      this.#room.forget(countedBytes(size));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      logger("attendance").warn("Cannot remove {path}: {error}", { path, error });
    }
  }

  /** Removes files that were begun before this instant, as the clock showed it, and that no entry names any more. */
  async removeBefore(
    instant: Instant,
    { hasEntry }: { hasEntry: (file: string) => boolean },
  ): Promise<void> {
    const day = instantOf(Date.parse(instant) - DAY_MS).slice(0, 10);
    for (const name of await this.#names()) {
      if ((NAME.exec(name)?.[1] ?? day) < day && !hasEntry(name)) await this.remove(name);
    }
  }

  async #count(): Promise<void> {
    let bytes = 0;
    for (const name of await this.#names()) {
      if (!NAME.test(name)) continue;
      // It may be gone by now.
      const { size } = await Deno.lstat(`${this.folder}/${name}`).catch(() => ({ size: 0 }));
      bytes += countedBytes(size);
    }
    this.#room.count(bytes);
  }

  async #names(): Promise<string[]> {
    try {
      return (await Array.fromAsync(Deno.readDir(this.folder))).map(({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }
}
