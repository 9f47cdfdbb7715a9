/** The tables of the records: rows, queue of local changes, conflicts. @module */
import type { Migration } from "../../core/mod.ts";
import type { Join } from "../../store/mod.ts";

export const migrations: readonly Migration[] = [{
  name: "records-1-tables",
  sql: `
    CREATE TABLE records (
      table_name TEXT NOT NULL,
      record_id TEXT NOT NULL,
      system_id TEXT NOT NULL,
      data TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      deleted_at TEXT,
      last_synced_at TEXT,
      -- The cloud's version as it was last seen: whether a row from the cloud is news at all.
      remote_updated_at TEXT,
      PRIMARY KEY (table_name, record_id)
    ) WITHOUT ROWID;

    CREATE TABLE sync_queue (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      operation TEXT NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
      table_name TEXT NOT NULL,
      record_id TEXT NOT NULL,
      record_data JSON NOT NULL,
      created_at TIMESTAMP NOT NULL,
      synced_at TIMESTAMP DEFAULT NULL,
      retry_count INTEGER NOT NULL DEFAULT 0,
      rejected_at TIMESTAMP DEFAULT NULL
    );
    -- One open entry a record: a later change takes the place of the one that still waits.
    CREATE UNIQUE INDEX sync_queue_open ON sync_queue (table_name, record_id) WHERE synced_at IS NULL;
    CREATE INDEX sync_queue_waiting ON sync_queue (retry_count, operation, table_name, id)
      WHERE synced_at IS NULL AND rejected_at IS NULL;
    CREATE INDEX sync_queue_done ON sync_queue (synced_at) WHERE synced_at IS NOT NULL;

    CREATE TABLE sync_conflicts (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      table_name TEXT NOT NULL,
      record_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      winner TEXT NOT NULL CHECK (winner IN ('local', 'remote')),
      local_updated_at TEXT NOT NULL,
      remote_updated_at TEXT NOT NULL,
      local_data TEXT NOT NULL,
      remote_data TEXT NOT NULL
    );
    CREATE INDEX sync_conflicts_at ON sync_conflicts (at);
  `,
}, {
  name: "records-2-readings",
  sql: `
    -- The newest reading from the beginning that met the record: no clock decides what a reading has not met.
    ALTER TABLE records ADD COLUMN met_in INTEGER;
    -- A reading that is under way has marked nothing so far: it begins again.
    DELETE FROM sync_cursors WHERE EXISTS (SELECT 1 FROM meta WHERE key = 'records.anew.' || table_name);
    DELETE FROM meta WHERE key >= 'records.anew.' AND key < 'records.anew/';
  `,
}, {
  name: "records-3-lists",
  sql: `
    -- The order of changes, and what counts a table's records without reading them.
    CREATE INDEX records_changed ON records (table_name, updated_at, record_id, deleted_at);
    -- Conflicts that no person has seen. A column of theirs would write both versions again to mark one as seen.
    CREATE TABLE unseen_conflicts (
      conflict_id INTEGER PRIMARY KEY,
      table_name TEXT NOT NULL
    );
  `,
}];

/** The later state of a row or entry counts. */
export const joins: readonly Join[] = [
  { table: "records", wins: "later", where: "json_valid(data)" },
  { table: "sync_queue", wins: "later", where: "json_valid(record_data)" },
];
