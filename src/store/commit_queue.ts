/**
 * Group commit: writers hand in closures, all that wait are committed in one transaction, then every promise
 * resolves. Each writer has a savepoint of its own, so that one that throws does not undo its neighbours.
 *
 *     write(a) write(b) write(c)      BEGIN · SAVEPOINT a · SAVEPOINT b (throws, undone) · SAVEPOINT c · COMMIT
 *        └────────┴────────┴──────────────► a resolves, b rejects, c resolves
 * @module
 */
import type { Database } from "./database.ts";

export interface WriteOptions {
  /** Survives a power cut, not only a kill: the commit waits for the disk. */
  durable?: boolean;
}

interface Waiting {
  work: () => unknown;
  durable: boolean;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** How long one transaction may go on taking writers. */
const SLICE_MS = 4;

export class CommitQueue {
  readonly #db: Database;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  /** What the writer that runs now wants done once it is committed. */
  #hooks: (() => void)[] | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Runs `work` inside a transaction; resolves with what it returned once that is committed. `work` is
   * synchronous and may be undone, so it changes nothing but the database.
   */
  write<T>(work: () => T, { durable = false }: WriteOptions = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new Error("Cannot write: the database is closed"));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, durable, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /**
   * Has `then` called once what the running `work` writes is committed, before its promise resolves; never
   * when it is undone. For what is kept in memory beside the database: counters, news.
   */
  afterCommit(then: () => void): void {
    if (!this.#hooks) throw new Error("Cannot wait for a commit: no write is running");
    this.#hooks.push(then);
  }

  /** Commits what still waits; nothing can be written afterwards. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#commitSlice();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A macrotask, so that requests that arrive in the same turn of the event loop share the commit.
    setTimeout(() => {
      this.#scheduled = false;
      this.#commitSlice();
      if (this.#waiting.length > 0) this.#schedule();
    }, 0);
  }

  #commitSlice(): void {
    const writers = this.#waiting;
    if (writers.length === 0) return;
    const db = this.#db;
    const outcomes: (() => void)[] = [];
    let taken = 0;
    try {
      // Only outside a transaction can this be set; one durable writer makes its whole group durable.
      const durable = writers.some((writer) => writer.durable);
      if (durable) db.exec("PRAGMA synchronous=FULL");
      try {
        db.exec("BEGIN IMMEDIATE");
        const started = performance.now();
        while (taken < writers.length && (taken === 0 || performance.now() - started < SLICE_MS)) {
          outcomes.push(this.#run(writers[taken++]!));
        }
        db.exec("COMMIT");
      } finally {
        if (durable) db.exec("PRAGMA synchronous=NORMAL");
      }
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      if (taken === 0) taken = writers.length;
      this.#waiting = writers.slice(taken);
      for (const { reject } of writers.slice(0, taken)) reject(error);
      return;
    }
    this.#waiting = writers.slice(taken);
    for (const settle of outcomes) settle();
  }

  #run({ work, resolve, reject }: Waiting): () => void {
    const db = this.#db;
    const hooks: (() => void)[] = this.#hooks = [];
    db.exec("SAVEPOINT writer");
    try {
      const value = work();
      db.exec("RELEASE writer");
      return () => {
        for (const hook of hooks) hook();
        resolve(value);
      };
    } catch (error) {
      // A full disk may already have undone the whole transaction: then every writer of it fails.
      if (!db.isTransaction) throw error;
      db.exec("ROLLBACK TO writer");
      db.exec("RELEASE writer");
      return () => reject(error);
    } finally {
      this.#hooks = undefined;
    }
  }
}
