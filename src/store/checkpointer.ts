/**
 * Moving the write-ahead log into the database. A commit does it in passing, which takes some milliseconds of
 * the event loop every few seconds; when much is written it would take a third of the time and every twentieth
 * answer would wait for it, so that a worker does it for as long as that lasts.
 * @module
 */
import { type Clock, logger } from "../core/mod.ts";
import { CHECKPOINT_PAGES, type Database } from "./database.ts";

export interface CheckpointerOptions {
  clock: Clock;
  /** Aborts when the database closes. */
  closing: AbortSignal;
}

/** A commit that takes so long has moved the log. */
const SLOW_MS = 3;
/** So many of them within this time, and a worker takes over. */
const SLOW_COMMITS = 3;
const SLOW_WITHIN_MS = 3_000;
/** How often the worker moves the log on, and after how long without a commit it goes. */
const PULSE_MS = 50;
const QUIET_MS = 5_000;
/** While the worker does it a commit helps only when it does not keep up. */
const BUSY_PAGES = 4_000;

export class Checkpointer {
  readonly #db: Database;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  #commits = 0;
  /** When the last slow commits were, oldest first. */
  #slow: number[] = [];
  /** What a worker does, while there is one. */
  #working: Promise<void> | undefined;
  #held = 0;
  #resting = 0;

  constructor(db: Database, path: string, { clock, closing }: CheckpointerOptions) {
    this.#db = db;
    this.#path = path;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** Whether a worker moves the log. */
  get busy(): boolean {
    return this.#working !== undefined;
  }

  /** A commit took so long. */
  committed(tookMs: number): void {
    this.#commits++;
    if (tookMs < SLOW_MS || this.busy || this.#resting > 0) return;
    const now = this.#clock.monotonic();
    this.#slow = [...this.#slow.filter((at) => now - at < SLOW_WITHIN_MS), now];
    if (this.#slow.length < SLOW_COMMITS || this.#path === ":memory:") return;
    this.#slow = [];
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      this.#apply();
    });
    this.#apply();
  }

  /** While somebody reads it all, a commit need not try to move a log that cannot be moved on. */
  hold(): Disposable {
    this.#held++;
    this.#apply();
    return {
      [Symbol.dispose]: () => {
        this.#held--;
        this.#apply();
      },
    };
  }

  /** Nobody moves the log until this is disposed of, or the database closes. */
  async rest(): Promise<Disposable> {
    const held = this.hold();
    this.#resting++;
    await this.#working;
    return {
      [Symbol.dispose]: () => {
        this.#resting--;
        held[Symbol.dispose]();
      },
    };
  }

  async #work(): Promise<void> {
    const worker = new Worker(SOURCE, { type: "module", name: "checkpoint" });
    const failed = Promise.withResolvers<string>();
    worker.onerror = (event) => {
      event.preventDefault();
      failed.resolve(event.message);
    };
    try {
      let seen = -1;
      let quietSince = this.#clock.monotonic();
      while (
        !this.#closing.aborted && this.#resting === 0 &&
        this.#clock.monotonic() - quietSince < QUIET_MS
      ) {
        if (this.#commits !== seen) {
          seen = this.#commits;
          const problem = await Promise.race([moved(worker, this.#path), failed.promise]);
          if (problem !== null) throw new Error(problem);
          quietSince = this.#clock.monotonic();
        }
        await this.#clock.wait(PULSE_MS, { signal: this.#closing });
      }
    } catch (error) {
      logger("store").warn("Cannot move the write-ahead log in the background: {error}", { error });
    } finally {
      worker.terminate();
    }
  }

  #apply(): void {
    if (this.#closing.aborted) return;
    const pages = this.#held > 0 ? 0 : this.busy ? BUSY_PAGES : CHECKPOINT_PAGES;
    this.#db.exec(`PRAGMA wal_autocheckpoint=${pages}`);
  }
}

/** Has the worker move what it can; resolves with what went wrong, or null. */
function moved(worker: Worker, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<string | null>) => resolve(data);
    worker.postMessage(path);
  });
}

// Text, because a module of its own would have to be embedded in the executable.
const SOURCE = `data:application/javascript,${
  encodeURIComponent(`
    import { DatabaseSync } from "node:sqlite";
    let db;
    self.onmessage = ({ data: path }) => {
      try {
        db ??= new DatabaseSync(path, { timeout: 0 });
        db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
        self.postMessage(null);
      } catch (error) {
        self.postMessage(String(error.message));
      }
    };
  `)
}`;
