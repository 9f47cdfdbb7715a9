/**
 * The SQLite connection as the agent sets it. Only this folder imports `node:sqlite`; the rest of the agent
 * takes these types from the store's door.
 * @module
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

export type Database = DatabaseSync;
export type Statement = StatementSync;

/** What the store's parts need of a store. */
export interface OpenDatabase {
  readonly db: Database;
  readonly path: string;
  /** Aborts when the database closes. */
  readonly closing: AbortSignal;
  /** Calls `then` once what the running write changes is committed. */
  afterCommit(then: () => void): void;
}

/** Time that opening waits for another program's lock before it fails as busy. */
const OPEN_TIMEOUT_MS = 2_000;

/** WAL size, in pages, that triggers a checkpoint. */
export const CHECKPOINT_PAGES = 400;

/** Opens (or makes) a database file with the agent's settings. */
export function openConnection(path: string, { readOnly = false } = {}): Database {
  const db = new DatabaseSync(path, { readOnly, timeout: OPEN_TIMEOUT_MS });
  try {
    // Set again, because read-only connections ignore the option (they wait 5 s).
    db.exec(`PRAGMA busy_timeout=${OPEN_TIMEOUT_MS}`);
    // Reads header and schema. Prepared, because errors of `exec` do not carry SQLite's result code.
    db.prepare("SELECT 1 FROM sqlite_master").get();
    // The sandbox's promise is that all the agent writes lies in its folder: no temporary files elsewhere.
    db.exec("PRAGMA temp_store=MEMORY");
    // 2 MB, SQLite's default, set explicitly: 8 and 16 MB made nothing measurably faster here (the operating
    // system caches the file anyway) and cost as much memory. For the same reason, and because a disk error
    // would end the process instead of a statement, the file is not mapped into memory either.
    db.exec("PRAGMA cache_size=-2000");
    db.exec("PRAGMA mmap_size=0");
    if (readOnly) return db;
    // Lets prune give pages back without VACUUM, which the sandbox forbids. Only an empty file can take it;
    // asked of any other, SQLite writes to it all the same, which on a full disk would keep the agent from starting.
    if (Number(db.prepare("PRAGMA page_count").get()?.page_count) === 0) {
      db.prepare("PRAGMA auto_vacuum=INCREMENTAL").run();
    }
    db.prepare("PRAGMA journal_mode=WAL").get();
    // A killed process loses nothing under NORMAL; a power cut may take the newest commits, which is why those
    // that acknowledge a punch or a critical event also wait for `fdatasync` (see log_sync.ts).
    db.exec("PRAGMA synchronous=NORMAL");
    db.exec("PRAGMA foreign_keys=ON");
    // For connections without a checkpointer: the commit that reaches this size checkpoints.
    db.exec(`PRAGMA wal_autocheckpoint=${CHECKPOINT_PAGES}`);
    // A long reader (backup, integrity check) lets the log grow; afterwards it gives the space back.
    db.exec("PRAGMA journal_size_limit=16777216");
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * `LIMIT` by a parameter. SQLite prepares a statement with `LIMIT ?` again whenever a value is bound, to plan for that
 * value; an expression it plans once.
 */
export const LIMIT = "LIMIT ? + 0";

/** The cells of a row, in the order of the statement's columns. */
export type Cells = readonly unknown[];

export interface CellsStatement {
  get(...values: SQLInputValue[]): Cells | undefined;
  all(...values: SQLInputValue[]): Cells[];
}

/** Prepares a query that returns rows as arrays: node:sqlite's objects, without a prototype, are twice as slow. */
export function prepareCells(db: Database, sql: string): CellsStatement {
  // The runtime has what its types lack.
  const statement = db.prepare(sql) as unknown as CellsStatement & {
    setReturnArrays(on: boolean): void;
  };
  statement.setReturnArrays(true);
  return statement;
}
