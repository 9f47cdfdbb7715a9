/**
 * Brings a database to the shape this version needs: named steps, each applied once, in a transaction of
 * its own, and remembered in the `migrations` table.
 * @module
 */
import { type Instant, logger, type Migration } from "../core/mod.ts";
import type { Database } from "./database.ts";
import { StoreError } from "./store_error.ts";

const OWN: Migration = {
  name: "store-1-meta",
  sql: `
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE sync_rejected (
      stream TEXT NOT NULL,
      table_name TEXT NOT NULL,
      row_id TEXT NOT NULL,
      payload TEXT NOT NULL,
      status INTEGER,
      code TEXT,
      message TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 1,
      first_at TEXT NOT NULL,
      last_at TEXT NOT NULL,
      -- 1 once it is to be tried again: kept until the cloud accepts it, so that attempts go on counting.
      readmitted INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (stream, row_id)
    ) WITHOUT ROWID;
    CREATE INDEX sync_rejected_open ON sync_rejected (stream, row_id) WHERE readmitted = 0;
    CREATE INDEX sync_rejected_readmitted ON sync_rejected (stream, row_id) WHERE readmitted = 1;
    CREATE TABLE sync_cursors (
      table_name TEXT PRIMARY KEY,
      updated_at TEXT NOT NULL,
      row_id TEXT NOT NULL
    ) WITHOUT ROWID;
  `,
};

/**
 * Applies what is missing of the store's own and the streams' migrations.
 * @throws {StoreError} `newer` when the database was made by a later version; it is left as it was
 */
export function migrate(db: Database, migrations: readonly Migration[], at: Instant): void {
  const applied = appliedNames(db);
  refuseNewer(applied, migrations);
  for (const { name, sql } of [OWN, ...migrations]) {
    if (applied.includes(name)) continue;
    // A large table may take some seconds, in which nothing else is said.
    if (applied.length > 0) logger("store").info("Upgrading the database: {name}", { name });
    db.prepare("BEGIN IMMEDIATE").run();
    try {
      db.exec(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)",
      );
      db.exec(sql);
      db.prepare("INSERT INTO migrations (name, applied_at) VALUES (?, ?)").run(name, at);
      db.prepare("COMMIT").run();
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** @throws {StoreError} `newer` when a migration has been applied that this version does not know */
export function refuseNewer(applied: readonly string[], migrations: readonly Migration[]): void {
  const known = knownNames(migrations);
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new StoreError(
    "newer",
    `Cannot open the database: it was made by a later version (${unknown.join(", ")}). ` +
      "Run that version, or use another database.",
  );
}

/** The names of every migration of this version, the store's own too. */
export function knownNames(migrations: readonly Migration[]): ReadonlySet<string> {
  return new Set([OWN, ...migrations].map(({ name }) => name));
}

/** The names of the migrations a database has had; none for an empty one. */
export function appliedNames(db: Database): string[] {
  const exists = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").get();
  if (!exists) return [];
  return db.prepare("SELECT name FROM migrations").all().map((row) => String(row.name));
}
