/**
 * Writes heartbeats. Those that cannot be written (disk full, database held by another program) wait in memory, raise a
 * warning, and are written with the next one.
 * @module
 */
import type { Heartbeat } from "../../../contract/playtime.ts";
import { logger, type Warnings } from "../../../core/mod.ts";
import type { Store, TableOutbox } from "../../../store/mod.ts";
import type { AllowanceRules } from "../allowance/rules.ts";
import type { Game } from "../processes/matchers.ts";
import { type Poll, recordHeartbeat, type Tables } from "../tables.ts";

export interface RecorderOptions {
  tables: Tables;
  outbox: TableOutbox;
  rules: AllowanceRules;
  warnings: Warnings;
  /** Called inside the `write` of heartbeats, after them. */
  onRecorded: (heartbeats: readonly Heartbeat[]) => void;
  /** Called with each heartbeat once it is committed. */
  onStored: (heartbeat: Heartbeat) => void;
}

/** One hour at 5 s; beyond it the oldest are lost. */
const MAX_WAITING = 720;

/** Rows of one transaction: about 4 ms. */
const MAX_BATCH = 100;

/** Warning code while heartbeats wait for longer than a poll. */
const WAITING = "heartbeats";

export class Recorder {
  readonly #store: Store;
  readonly #options: RecorderOptions;
  readonly #waiting: Poll[] = [];
  /** Number of the first that are being written. */
  #taken = 0;
  /** Resolves when nothing waits any more. */
  #writing: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(store: Store, options: RecorderOptions) {
    this.#store = store;
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves once it is written.
   * @throws when it cannot be written; the next call tries again
   */
  async add(heartbeat: Heartbeat, games: readonly Game[] = []): Promise<void> {
    // The heartbeat before still waits.
    if (this.#waiting.length > 0) this.#warn();
    this.#waiting.push({ heartbeat, games });
    // Those being written must keep their place.
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(this.#taken, 1);
    await this.#write();
  }

  /** As `add`, but never rejects: a failure raises a warning and is logged once. */
  async keep(heartbeat: Heartbeat, games: readonly Game[] = []): Promise<void> {
    try {
      await this.add(heartbeat, games);
    } catch (error) {
      if (String(error) === this.#failure) return;
      this.#failure = String(error);
      logger("playtime").error("Cannot write heartbeats, which are kept in memory: {error}", {
        error,
      });
      this.#warn();
    }
  }

  /** Resolves at the end of the current write, also of one that fails. */
  async settled(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  /** A heartbeat that arrives during a write joins it: written by both, it would count twice. */
  #write(): Promise<void> {
    return this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#taken = 0;
    });
  }

  async #writeAll(): Promise<void> {
    const { tables, outbox, rules, onRecorded, onStored, warnings } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      this.#taken = batch.length;
      await this.#store.write(() => {
        for (const { heartbeat, games } of batch) {
          recordHeartbeat(tables, heartbeat, { allowance: rules.daily, games });
        }
        outbox.added(batch.length);
        onRecorded(batch.map(({ heartbeat }) => heartbeat));
        this.#store.afterCommit(() => {
          this.#waiting.splice(0, batch.length);
          this.#taken = 0;
          for (const { heartbeat } of batch) onStored(heartbeat);
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
