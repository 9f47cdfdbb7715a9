/**
 * Checkpoints: moves the write-ahead log (WAL) into the database, in a worker, because it waits for the disk twice. The
 * worker starts when there is something to move and ends when there was nothing for a while. SQLite starts the WAL from
 * its beginning again once all of it is moved; where commits follow each other without a pause, they wait for that when
 * the WAL has become long:
 *
 *     commits   ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪   ▪▪▪▪▪
 *     moved          ▔▔▔▔    ▔▔▔▔    ▔▔▔▔▔ ▔▔▔
 *     WAL       1 … 400 …  1 200 …  2 500 …    1 …      pages
 * @module
 */
import { type Clock, logger } from "../core/mod.ts";
import { CHECKPOINT_PAGES, type Database, type Statement } from "./database.ts";
import { JobWorker } from "./worker.ts";

export interface CheckpointerOptions {
  clock: Clock;
  /** Aborts when the database closes. */
  closing: AbortSignal;
  /** Whether the path names another file by now, or the file has other content. */
  displaced: () => boolean;
  /** Makes commits wait until then. */
  pause: (until: Promise<unknown>) => void;
  /** Whether this SQLite has `wal_checkpoint(NOOP)` (default: by its version). */
  noop?: boolean;
}

/** Poll interval while the worker runs. */
const POLL_MS = 50;
/** The worker ends after this time without anything to move. */
const IDLE_MS = 5_000;
/** WAL size that triggers a restart checkpoint. Must be below `journal_size_limit`. */
const RESTART_PAGES = 2_500;
/** After a failure commits checkpoint by themselves (`wal_autocheckpoint`) for this time. */
const RETRY_AFTER_MS = 60_000;
/** Estimated pages per commit where SQLite cannot report the WAL's length. */
const PAGES_PER_COMMIT = 8;

/** Pages in the WAL, and how many of them are in the database. */
interface Wal {
  pages: number;
  moved: number;
}

export class Checkpointer {
  readonly #db: Database;
  readonly #path: string;
  readonly #options: CheckpointerOptions;
  /** Reports the WAL's length in 2 µs; undefined where SQLite cannot. */
  readonly #noop: Statement | undefined;
  /** Commits since the last checkpoint. */
  #commits = 0;
  /** Set while a worker runs. */
  #working: Promise<void> | undefined;
  /** Ends the worker. */
  #end = new AbortController();
  #failedAt = -Infinity;
  #held = 0;

  constructor(db: Database, path: string, options: CheckpointerOptions) {
    this.#db = db;
    this.#path = path;
    this.#options = options;
    const { noop = hasNoop(db) } = options;
    this.#noop = noop ? db.prepare("PRAGMA wal_checkpoint(NOOP)") : undefined;
    this.#apply();
  }

  /** Whether a worker runs. */
  get busy(): boolean {
    return this.#working !== undefined;
  }

  /** Called after each commit. */
  committed(): void {
    this.#commits++;
    if (this.busy || this.#held > 0 || this.#failed || this.#waiting() < CHECKPOINT_PAGES) return;
    if (this.#options.displaced()) return;
    this.#apply();
    this.#working = this.#work().catch((error) => {
      logger("store").warn("Cannot checkpoint in the background: {error}", { error });
      this.#failedAt = this.#options.clock.monotonic();
      this.#apply();
    }).finally(() => this.#working = undefined);
  }

  /** No checkpoint begins until this is disposed of: a reader of the whole database would be in its way. */
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

  /** The same, and ends the worker first. */
  async rest(): Promise<Disposable> {
    const held = this.hold();
    this.#end.abort();
    await this.#working;
    return held;
  }

  get #failed(): boolean {
    return this.#options.clock.monotonic() - this.#failedAt < RETRY_AFTER_MS;
  }

  /** Pages to be moved: an estimate where SQLite does not report it. */
  #waiting(): number {
    if (!this.#noop) return this.#commits * PAGES_PER_COMMIT;
    const { log, checkpointed } = this.#noop.get() ?? {};
    return Number(log) - Number(checkpointed);
  }

  async #work(): Promise<void> {
    const { clock, closing, displaced, pause } = this.#options;
    using worker = new JobWorker("checkpoint", checkpoint);
    const move = () => {
      this.#commits = 0;
      return worker.run(this.#path);
    };
    this.#end = new AbortController();
    const end = AbortSignal.any([closing, this.#end.signal]);
    const mayMove = () => !end.aborted && !displaced();
    let quietSince = clock.monotonic();
    while (mayMove() && clock.monotonic() - quietSince < IDLE_MS) {
      if (this.#waiting() >= CHECKPOINT_PAGES) {
        quietSince = clock.monotonic();
        const wal = await move();
        // Where a reader is in the way, waiting for the rest of it would be in vain.
        if (wal.pages >= RESTART_PAGES && wal.moved === wal.pages && mayMove()) {
          const rest = move();
          pause(rest.catch(() => {}));
          await rest;
        }
      }
      await clock.wait(POLL_MS, { signal: end });
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

/**
 * Moves what it can. Runs in the worker: see worker.ts. It opens the database each time: a connection that stays open
 * would be the last one, which removes the log, when the agent has closed its own.
 */
function checkpoint({ DatabaseSync }: typeof import("node:sqlite"), path: string): Wal {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    const { log, checkpointed } = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()!;
    return { pages: Number(log), moved: Number(checkpointed) };
  } finally {
    db.close();
  }
}
