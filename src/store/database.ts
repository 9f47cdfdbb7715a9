/**
 * The SQLite connection as the agent sets it. Only this folder imports `node:sqlite`; the rest of the agent
 * takes these types from the store's door.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";

export type Database = DatabaseSync;
export type Statement = StatementSync;

/** How many milliseconds a call waits for another process's lock before it fails as busy. */
const BUSY_TIMEOUT_MS = 2_000;

/** Opens (or makes) a database file with the agent's settings. */
export function connect(path: string, { readOnly = false } = {}): Database {
  const db = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS });
  try {
    if (!readOnly) {
      // Only an empty file can take it; lets prune give pages back without VACUUM, which the sandbox forbids.
      db.exec("PRAGMA auto_vacuum=INCREMENTAL");
      db.exec("PRAGMA journal_mode=WAL");
    }
    // A killed process loses nothing under NORMAL; a power cut may take the newest commits, which is why
    // commits that acknowledge a punch or a critical event ask for FULL (see commit_queue.ts).
    db.exec("PRAGMA synchronous=NORMAL");
    db.exec("PRAGMA foreign_keys=ON");
    db.exec("PRAGMA journal_size_limit=67108864");
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}
