/**
 * Moving the write-ahead log into the database, in a worker: it waits for the disk twice, which on the event loop
 * everybody would wait for. The worker comes when there is something to move and goes when there was nothing for a
 * while. A log begins anew once all of it is moved, so where commits follow each other without a pause, they wait
 * for that moment when it has become long:
 *
 *     commits   ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪   ▪▪▪▪▪
 *     moved          ▔▔▔▔    ▔▔▔▔    ▔▔▔▔▔ ▔▔▔
 *     log       1 … 400 …  1 200 …  2 500 …    1 …      pages
 * @module
 */
import { type Clock, logger } from "../core/mod.ts";
import { CHECKPOINT_PAGES, type Database, type Statement } from "./database.ts";

export interface CheckpointerOptions {
  clock: Clock;
  /** Aborts when the database closes. */
  closing: AbortSignal;
  /** Whether another file lies where the worker would open it, or other content. */
  displaced: () => boolean;
  /** Has commits wait until then. */
  pause: (until: Promise<unknown>) => void;
  /** Whether this SQLite can report the log's length without a checkpoint (default: by its version). */
  noop?: boolean;
}

/** How often the worker looks whether there is something to move, and after how long without it goes. */
const PULSE_MS = 50;
const QUIET_MS = 5_000;
/** So long, and the log is to begin anew. Below the size that the file is cut to then. */
const LONG_PAGES = 2_500;
/** After a failure commits move the log themselves for so long. */
const AGAIN_AFTER_MS = 60_000;
/** Pages that a commit is taken to add where SQLite cannot report the log's length. */
const PAGES_PER_COMMIT = 8;

/** How many pages the log has, and how many of them are in the database. */
interface Log {
  pages: number;
  moved: number;
}

export class Checkpointer {
  readonly #db: Database;
  readonly #path: string;
  readonly #options: CheckpointerOptions;
  /** Reports the log's length in 2 µs; undefined where SQLite has no such thing. */
  readonly #log: Statement | undefined;
  /** Commits since the log was last moved. */
  #commits = 0;
  /** What a worker does, while there is one. */
  #working: Promise<void> | undefined;
  /** Ends it. */
  #end = new AbortController();
  #failedAt = -Infinity;
  #held = 0;

  constructor(db: Database, path: string, options: CheckpointerOptions) {
    this.#db = db;
    this.#path = path;
    this.#options = options;
    const { noop = hasNoop(db) } = options;
    this.#log = noop ? db.prepare("PRAGMA wal_checkpoint(NOOP)") : undefined;
    this.#apply();
  }

  /** Whether a worker moves the log. */
  get busy(): boolean {
    return this.#working !== undefined;
  }

  /** There was a commit. */
  committed(): void {
    this.#commits++;
    if (this.busy || this.#held > 0 || this.#failed || this.#waiting() < CHECKPOINT_PAGES) return;
    if (this.#options.displaced()) return;
    this.#apply();
    this.#working = this.#work().catch((error) => {
      logger("store").warn("Cannot move the write-ahead log in the background: {error}", { error });
      this.#failedAt = this.#options.clock.monotonic();
      this.#apply();
    }).finally(() => this.#working = undefined);
  }

  /** While somebody reads it all, the log cannot be moved on. */
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
    this.#end.abort();
    await this.#working;
    return held;
  }

  get #failed(): boolean {
    return this.#options.clock.monotonic() - this.#failedAt < AGAIN_AFTER_MS;
  }

  /** How many pages are to be moved: an estimate where SQLite does not report it. */
  #waiting(): number {
    if (!this.#log) return this.#commits * PAGES_PER_COMMIT;
    const { log, checkpointed } = this.#log.get() ?? {};
    return Number(log) - Number(checkpointed);
  }

  async #work(): Promise<void> {
    const { clock, closing, displaced, pause } = this.#options;
    const worker = new Worker(SOURCE, { type: "module", name: "checkpoint" });
    const failed = Promise.withResolvers<never>();
    worker.onerror = (event) => {
      event.preventDefault();
      failed.reject(new Error(event.message));
    };
    // Nobody may be asking it anything at that moment.
    failed.promise.catch(() => {});
    const ask = (path: string | null) => Promise.race([answer(worker, path), failed.promise]);
    const move = () => {
      this.#commits = 0;
      return ask(this.#path);
    };
    this.#end = new AbortController();
    const end = AbortSignal.any([closing, this.#end.signal]);
    const mayMove = () => !end.aborted && !displaced();
    try {
      let quietSince = clock.monotonic();
      while (mayMove() && clock.monotonic() - quietSince < QUIET_MS) {
        if (this.#waiting() >= CHECKPOINT_PAGES) {
          quietSince = clock.monotonic();
          const log = await move();
          // Where a reader is in the way, waiting for the rest of it would be in vain.
          if (log.pages >= LONG_PAGES && log.moved === log.pages && mayMove()) {
            const rest = move();
            pause(rest.catch(() => {}));
            await rest;
          }
        }
        await clock.wait(PULSE_MS, { signal: end });
      }
    } finally {
      // Whoever closes the database last takes its log away.
      await ask(null).catch(() => {});
      worker.terminate();
    }
  }

  #apply(): void {
    if (this.#options.closing.aborted) return;
    const byCommits = this.#failed && this.#held === 0;
    this.#db.exec(`PRAGMA wal_autocheckpoint=${byCommits ? CHECKPOINT_PAGES : 0}`);
  }
}

/** Since 3.51. An older SQLite takes NOOP for PASSIVE, which writes, and fails on a full disk. */
function hasNoop(db: Database): boolean {
  const version = String(db.prepare("SELECT sqlite_version() AS version").get()?.version);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 3 || (major === 3 && minor >= 51);
}

/** Has the worker move what it can, or close what it opened. */
function answer(worker: Worker, path: string | null): Promise<Log> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Log | string>) =>
      typeof data === "string" ? reject(new Error(data)) : resolve(data);
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
        if (path === null) {
          db?.close();
          return self.postMessage({ pages: 0, moved: 0 });
        }
        db ??= new DatabaseSync(path, { timeout: 0 });
        const { log, checkpointed } = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
        self.postMessage({ pages: log, moved: checkpointed });
      } catch (error) {
        self.postMessage(String(error.message));
      }
    };
  `)
}`;
