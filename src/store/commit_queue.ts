/**
 * Group commit: all waiting writers (closures) are committed in one transaction, then every promise resolves. Each
 * writer after the first has a savepoint of its own, so that one that throws does not undo the others; when the first
 * throws, the transaction is rolled back and the others share the next.
 *
 *     write(a) write(b) write(c)      BEGIN · a · SAVEPOINT b (throws, undone) · SAVEPOINT c · COMMIT
 *        └────────┴────────┴──────────────► a resolves, b rejects, c resolves
 *
 * Only an error that makes SQLite roll the whole transaction back (a full disk, mostly) fails the group. A durable
 * write resolves after `fdatasync`, which runs off the event loop; durable writes that arrive meanwhile share the
 * next transaction:
 *
 *     commit abc ──fdatasync──► resolve abc, commit defg ──fdatasync──► resolve defg
 *                 d e f g wait
 * @module
 */
import { setImmediate } from "node:timers";
import { logger } from "../core/mod.ts";
import type { Database, Statement } from "./database.ts";
import type { LogSync } from "./log_sync.ts";
import { afterIo } from "./slices.ts";
import { databaseFailure, STATES, StoreError, storeErrorKind } from "./store_error.ts";

export interface WriteOptions {
  /** Resolves only when it survives a power cut, not only a kill: waits for `fdatasync`. */
  durable?: boolean;
}

export interface CommitQueueOptions {
  /** Syncs durable commits off the event loop; without it they are made with `synchronous=FULL`. */
  log?: Pick<LogSync, "sync" | "close"> | undefined;
  /** Called after each group commit. */
  onCommitted?: () => void;
  /** Called when SQLite failed, for one writer or for a group. */
  onFailed?: (error: StoreError) => void;
  /** Time that writers wait for another program's lock before they fail. */
  busyPatienceMs?: number;
}

interface Waiting {
  work: () => unknown;
  durable: boolean;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** How a writer ended. */
interface Outcome {
  /** Its `afterCommit` callbacks. */
  hooks: readonly (() => void)[];
  /** Settles its promise. */
  settle: () => void;
  /** Rejects its promise: the sync failed. */
  fail: (reason: unknown) => void;
  durable: boolean;
}

/** Time after which a transaction takes no more writers. */
const SLICE_MS = 4;

/** Retry interval while another program holds the write lock. */
const BUSY_RETRY_MS = 20;

export class CommitQueue {
  readonly #db: Database;
  readonly #log: CommitQueueOptions["log"];
  readonly #onCommitted: () => void;
  readonly #onFailed: (error: StoreError) => void;
  readonly #busyPatienceMs: number;
  // Prepared, because errors of `exec` do not carry SQLite's result code.
  readonly #statements: Readonly<
    Record<"begin" | "commit" | "rollback" | "savepoint" | "release" | "undo", Statement>
  >;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  #busySince: number | undefined;
  /** The `fdatasync` that is under way. */
  #syncing: Promise<void> | undefined;
  /** Set while commits are paused. */
  #paused: Promise<unknown> | undefined;
  /** Time spent in commits since the event loop last polled its sockets for certain. */
  #heldMs = 0;
  /** The `afterCommit` callbacks of the writer that runs now. */
  #hooks: (() => void)[] | undefined;

  constructor(db: Database, options: CommitQueueOptions = {}) {
    const { onCommitted = () => {}, onFailed = () => {}, busyPatienceMs = 5_000 } = options;
    this.#db = db;
    this.#log = options.log;
    this.#onCommitted = onCommitted;
    this.#onFailed = onFailed;
    this.#busyPatienceMs = busyPatienceMs;
    this.#statements = {
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      rollback: db.prepare("ROLLBACK"),
      savepoint: db.prepare("SAVEPOINT writer"),
      release: db.prepare("RELEASE writer"),
      undo: db.prepare("ROLLBACK TO writer"),
    };
  }

  /**
   * Runs `work` inside a transaction; resolves with what it returned once that is committed. `work` is
   * synchronous and may be undone, so it changes nothing but the database.
   * @throws {StoreError} rejects with it when SQLite failed; with what `work` threw otherwise
   */
  write<T>(work: () => T, { durable = false }: WriteOptions = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new Error("Cannot write: the database is closed"));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, durable, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /**
   * Calls `then` once what the running `work` writes is committed, before its promise resolves; never when it is
   * rolled back. For state in memory that follows the database: counters, live streams.
   */
  afterCommit(then: () => void): void {
    if (!this.#hooks) throw new Error("Cannot wait for a commit: no write is running");
    this.#hooks.push(then);
  }

  /** Commits nothing until the promise resolves; it must not reject. */
  pause(until: Promise<unknown>): void {
    const paused = this.#paused = until.then(() => {
      if (this.#paused === paused) this.#paused = undefined;
    });
  }

  /** Commits and syncs what still waits; nothing can be written afterwards. */
  close(): void {
    this.#closed = true;
    this.#log?.close();
    // Requests have ended: waiting for another program's lock may block.
    this.#db.exec("PRAGMA busy_timeout=2000");
    while (this.#waiting.length > 0) this.#commitSlice();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const turn = () => this.#turn();
    if (this.#busySince !== undefined) setTimeout(turn, BUSY_RETRY_MS);
    else if (this.#heldMs >= SLICE_MS) {
      this.#heldMs = 0;
      afterIo(turn);
    } else {
      // After the requests that arrived in this turn of the event loop, so that they share the commit;
      // a timer of 0 would wait 2 ms.
      setImmediate(turn);
    }
  }

  #turn(): void {
    if (this.#paused) return this.#turnAfter(this.#paused);
    if (this.#syncing && this.#waiting.some(isDurable)) return this.#turnAfter(this.#syncing);
    const started = performance.now();
    this.#scheduled = false;
    this.#commitSlice();
    this.#heldMs += performance.now() - started;
    if (this.#waiting.length > 0) this.#schedule();
  }

  /**
   * Durable writers could not be answered before the next sync anyway. Once the sockets were polled, those that this
   * sync answers may have sent their next write: all share a transaction then, which writes fewer pages.
   */
  #turnAfter(syncing: Promise<unknown>): void {
    void syncing.then(() => afterIo(() => this.#turn()));
  }

  #commitSlice(): void {
    const writers = this.#waiting;
    if (writers.length === 0) return;
    const outcomes: Outcome[] = [];
    let taken = 0;
    const log = this.#closed ? undefined : this.#log;
    // Only outside a transaction can this be set.
    const full = !log && writers.some(isDurable);
    if (full) this.#db.exec("PRAGMA synchronous=FULL");
    try {
      this.#statements.begin.run();
      this.#busySince = undefined;
      const started = performance.now();
      while (taken < writers.length && (taken === 0 || performance.now() - started < SLICE_MS)) {
        outcomes.push(this.#run(writers[taken++]!, { first: taken === 1 }));
        // The first one failed and took the transaction with it: the others have the next.
        if (!this.#db.isTransaction) break;
      }
      if (this.#db.isTransaction) this.#statements.commit.run();
    } catch (error) {
      if (taken === 0 && this.#mayWaitFor(error)) return;
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      // When not even BEGIN succeeded, the writers behind it fail too.
      const failed = writers.splice(0, taken || writers.length);
      const reason = this.#failure(error);
      for (const { reject } of failed) reject(reason);
      return;
    } finally {
      if (full) this.#db.exec("PRAGMA synchronous=NORMAL");
    }
    writers.splice(0, taken);
    callAll([this.#onCommitted, ...outcomes.flatMap(({ hooks }) => hooks)]);
    this.#settle(outcomes, log);
  }

  /** Settles the promises of writers, those of durable ones after the sync. */
  #settle(outcomes: readonly Outcome[], log: CommitQueueOptions["log"]): void {
    const durable: Outcome[] = [];
    for (const outcome of outcomes) {
      if (log && isDurable(outcome)) durable.push(outcome);
      else outcome.settle();
    }
    if (!log || durable.length === 0) return;
    this.#syncing = log.sync().then(() => {
      for (const { settle } of durable) settle();
    }, (cause) => {
      const reason = new StoreError("io", `Cannot write to the database: ${STATES.io}.`, { cause });
      callAll([() => this.#onFailed(reason)]);
      for (const { fail } of durable) fail(reason);
    }).finally(() => this.#syncing = undefined);
  }

  /** The first writer needs no savepoint: within one, SQLite copies every page that it changes. */
  #run({ work, durable, resolve, reject }: Waiting, { first }: { first: boolean }): Outcome {
    const { savepoint, release, undo, rollback } = this.#statements;
    const hooks: (() => void)[] = this.#hooks = [];
    if (!first) savepoint.run();
    try {
      const value = work();
      if (!first) release.run();
      return { hooks, settle: () => resolve(value), fail: reject, durable };
    } catch (error) {
      // A full disk makes SQLite roll the whole transaction back: then every writer of it fails.
      if (!this.#db.isTransaction) throw error;
      if (first) rollback.run();
      else {
        undo.run();
        release.run();
      }
      const reason = this.#failure(error);
      return { hooks: [], settle: () => reject(reason), fail: reject, durable: false };
    } finally {
      this.#hooks = undefined;
    }
  }

  /** Whether to try again in a while, because another program holds the write lock. */
  #mayWaitFor(error: unknown): boolean {
    if (storeErrorKind(error) !== "busy" || this.#closed) return false;
    const now = performance.now();
    this.#busySince ??= now;
    if (now - this.#busySince < this.#busyPatienceMs) return true;
    this.#busySince = undefined;
    return false;
  }

  /** What a writer rejects with: its own error, or what is wrong with the database. */
  #failure(error: unknown): unknown {
    const reason = databaseFailure("Cannot write to the database", error);
    if (reason) callAll([() => this.#onFailed(reason)]);
    return reason ?? error;
  }
}

function isDurable({ durable }: { durable: boolean }): boolean {
  return durable;
}

/** A callback that throws must not make a committed write look failed, nor end the agent. */
function callAll(hooks: readonly (() => void)[]): void {
  for (const hook of hooks) {
    try {
      hook();
    } catch (error) {
      logger("store").error("What follows a write failed: {error}", { error });
    }
  }
}
