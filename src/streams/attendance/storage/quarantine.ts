/**
 * The quarantine: what a device sent and could not be parsed. It is kept, without photos and secrets, so that it
 * can be acknowledged: a device that gets no answer sends the same again without end.
 * @module
 */
import { hash } from "node:crypto";
import { dirname } from "node:path";
import type { QuarantineEntry } from "../../../contract/attendance.ts";
import { type Clock, instantOf, logger, msOf, type Warnings } from "../../../core/mod.ts";
import type { Statement, Store } from "../../../store/mod.ts";
import { redactText } from "./redact.ts";

export interface Unknown {
  sn: string;
  protocol: string;
  reason: string;
  raw: string;
  receivedMs: number;
}

/** Warning: something could not be parsed lately. */
const NEWS = "attendance.not-understood";
/** The warning is shown this long after the last entry. */
const NEWS_MS = 7 * 86_400_000;

export class Quarantine {
  /** Where earlier versions kept messages above 32 MiB as files. */
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #warnings: Warnings;
  readonly #insert: Statement;
  readonly #list: Statement;
  readonly #delete: Statement;
  readonly #size: Statement;

  constructor(
    store: Store,
    { warnings, clock }: { warnings: Warnings; clock: Clock },
  ) {
    this.#folder = `${dirname(store.path)}/quarantine`;
    this.#clock = clock;
    this.#warnings = warnings;
    this.#insert = store.db.prepare(
      `INSERT INTO device_quarantine (sha256, device_sn, protocol, reason, raw, received_at)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
    );
    this.#list = store.db.prepare(
      `SELECT seq AS id, device_sn, protocol, reason, raw, file, received_at FROM device_quarantine
       WHERE seq < ? AND seq >= ? ORDER BY seq DESC`,
    );
    this.#delete = store.db.prepare("DELETE FROM device_quarantine WHERE seq = ?");
    this.#size = store.db.prepare("SELECT count(*) AS n FROM device_quarantine");
  }

  /** Adds an entry, once for the same text; called inside `write`. */
  add({ sn, protocol, reason, raw, receivedMs }: Unknown): void {
    const text = redactText(raw);
    const key = hash("sha256", `${sn}|${protocol}|${text}`, "hex");
    this.#insert.run(key, sn, protocol, reason, text, instantOf(receivedMs));
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

  /** Warns while the newest entry is younger than a week. */
  updateWarning(): void {
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

  /** Removes the file of an entry that retention has deleted. */
  async removeFile(name: string): Promise<void> {
    const path = `${this.#folder}/${name}`;
    try {
      await Deno.remove(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      logger("attendance").warn("Cannot remove {path}: {error}", { path, error });
    }
  }
}
