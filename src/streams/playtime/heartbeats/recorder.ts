/**
 * Writes heartbeats. What cannot be written now (the disk is full or slow, another program holds the database) waits
 * in memory, shows among the warnings, and goes with the next one.
 * @module
 */
import type { Heartbeat } from "../../../contract/playtime.ts";
import { logger, type Warnings } from "../../../core/mod.ts";
import type { Store, TableOutbox } from "../../../store/mod.ts";
import type { Allowance } from "../days/allowance.ts";
import { record, type Tables } from "../tables.ts";

export interface RecorderOptions {
  tables: Tables;
  outbox: TableOutbox;
  allowance: Allowance;
  warnings: Warnings;
  /** Told of every heartbeat as soon as it is committed. */
  onStored: (heartbeat: Heartbeat) => void;
}

/** An hour's heartbeats at 5 s; then the oldest are lost. */
const MAX_WAITING = 720;

/** Written in one transaction: about 4 ms. */
const BATCH = 100;

/** The warning while heartbeats wait for longer than a poll. */
const WAITING = "heartbeats";

export class Recorder {
  readonly #store: Store;
  readonly #options: RecorderOptions;
  readonly #waiting: Heartbeat[] = [];
  /** How many of them are being written: the first ones. */
  #taken = 0;
  /** Ends when nothing waits any more. */
  #writing: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(store: Store, options: RecorderOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** How many are not on the disk. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves once it is written.
   * @throws when it cannot be written; the next one tries it again
   */
  async add(heartbeat: Heartbeat): Promise<void> {
    // The one before should have been written long ago.
    if (this.#waiting.length > 0) this.#warn();
    this.#waiting.push(heartbeat);
    // Those that are being written may not move.
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(this.#taken, 1);
    await this.#write();
  }

  /** As `add`, but never rejects: what is wrong stands among the warnings, and in the log once. */
  async keep(heartbeat: Heartbeat): Promise<void> {
    try {
      await this.add(heartbeat);
    } catch (error) {
      if (String(error) === this.#failure) return;
      this.#failure = String(error);
      logger("playtime").error("Cannot write heartbeats, which are kept in memory: {error}", {
        error,
      });
      this.#warn();
    }
  }

  /** Resolves when what is being written is written, or cannot be. */
  async settled(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  /** One that comes while others are written goes with them: written by both, it would count twice. */
  #write(): Promise<void> {
    return this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#taken = 0;
    });
  }

  async #writeAll(): Promise<void> {
    const { tables, outbox, allowance, onStored, warnings } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      this.#taken = batch.length;
      await this.#store.write(() => {
        for (const each of batch) record(tables, each, { allowance });
        outbox.added(batch.length);
        this.#store.afterCommit(() => {
          this.#waiting.splice(0, batch.length);
          this.#taken = 0;
          batch.forEach(onStored);
        });
      });
    }
    warnings.clear(WAITING);
    if (this.#failure !== undefined) logger("playtime").info("Heartbeats are written again");
    this.#failure = undefined;
  }

  #warn(): void {
    const why = this.#failure?.replace(/^\w+: /, "") ??
      "The database takes no writes, as when another program holds it.";
    this.#options.warnings.raise(
      WAITING,
      `Heartbeats wait in memory until they can be written. ${why}`,
    );
  }
}
