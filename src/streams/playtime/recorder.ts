/**
 * Writes heartbeats. What cannot be written now (the disk is full, another program holds the database) waits
 * in memory and goes with the next one.
 * @module
 */
import type { Store, TableOutbox } from "../../store/mod.ts";
import type { Allowance } from "./allowance.ts";
import type { Heartbeat } from "./heartbeats.ts";
import { record, type Tables } from "./tables.ts";

export interface RecorderOptions {
  tables: Tables;
  outbox: TableOutbox;
  allowance: Allowance;
  /** Told of every heartbeat as soon as it is committed. */
  onStored: (heartbeat: Heartbeat) => void;
}

/** An hour's heartbeats at 5 s; then the oldest are lost. */
const MAX_WAITING = 720;

/** Written in one transaction: about 4 ms. */
const BATCH = 100;

export class Recorder {
  readonly #store: Store;
  readonly #options: RecorderOptions;
  readonly #waiting: Heartbeat[] = [];
  /** Ends when nothing waits any more. */
  #writing: Promise<void> | undefined;

  constructor(store: Store, options: RecorderOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** @throws when it cannot be written; the next one tries it again */
  async add(heartbeat: Heartbeat): Promise<void> {
    this.#waiting.push(heartbeat);
    // Those that are being written may not move.
    if (this.#waiting.length > MAX_WAITING && !this.#writing) this.#waiting.shift();
    // One that comes while others are written goes with them: written by both, it would count twice.
    await (this.#writing ??= this.#write().finally(() => this.#writing = undefined));
  }

  async #write(): Promise<void> {
    const { tables, outbox, allowance, onStored } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      await this.#store.write(() => {
        for (const each of batch) record(tables, each, { allowance });
        outbox.added(batch.length);
        this.#store.afterCommit(() => {
          this.#waiting.splice(0, batch.length);
          batch.forEach(onStored);
        });
      });
    }
  }
}
