/** The tables of the event log. Intake checks the mode, because the configured modes may change. @module */
import type { Migration } from "../../core/mod.ts";
import type { Join } from "../../store/mod.ts";

/** Default for rows that another program inserts. */
const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
/** A random UUID (version 4). */
const NEW_ID = `lower(
        hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' ||
        substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

export const migrations: readonly Migration[] = [{
  name: "events-1-log",
  sql: `
    CREATE TABLE local_events (
      id TEXT PRIMARY KEY,
      mode TEXT NOT NULL CHECK (mode <> ''),
      ts TEXT NOT NULL,
      seq INTEGER NOT NULL,
      source TEXT NOT NULL,
      type TEXT NOT NULL,
      subtype TEXT NOT NULL,
      symbol TEXT,
      severity TEXT NOT NULL DEFAULT 'info',
      body TEXT NOT NULL,
      meta_json TEXT DEFAULT '{}',
      idempotency_key TEXT UNIQUE,
      flushed INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL,
      rejected_at TEXT
    );
    CREATE INDEX idx_local_events_unflushed ON local_events (mode, seq)
      WHERE flushed = 0 AND rejected_at IS NULL;
    CREATE UNIQUE INDEX idx_local_events_mode_seq ON local_events (mode, seq);

    CREATE TABLE local_flush_log (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      ts TEXT NOT NULL,
      mode TEXT NOT NULL,
      count INTEGER NOT NULL,
      last_seq INTEGER NOT NULL,
      status TEXT NOT NULL,
      error TEXT
    );
    CREATE INDEX idx_local_flush_log_mode ON local_flush_log (mode, status, id);

    CREATE TABLE local_state_snapshots (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      mode TEXT NOT NULL,
      ts TEXT NOT NULL,
      state_json TEXT NOT NULL
    );
    CREATE INDEX idx_local_state_snapshots_mode ON local_state_snapshots (mode, id);
  `,
}, {
  // A key is unique in its mode, and other programs may insert rows without the columns that have a default. SQLite
  // can change neither in place: the table is copied (1 000 000 events: 7 s, and twice the space meanwhile).
  name: "events-2-keys-by-mode",
  sql: `
    ALTER TABLE local_events RENAME TO local_events_1;
    CREATE TABLE local_events (
      id TEXT NOT NULL PRIMARY KEY DEFAULT (${NEW_ID}),
      mode TEXT NOT NULL CHECK (mode <> ''),
      ts TEXT NOT NULL DEFAULT (${NOW}),
      -- Whole numbers of at most 15 digits: all that JavaScript counts with.
      seq INTEGER NOT NULL CHECK (typeof(seq) = 'integer' AND seq BETWEEN 1 AND 999999999999999),
      source TEXT NOT NULL,
      type TEXT NOT NULL,
      subtype TEXT NOT NULL,
      symbol TEXT,
      severity TEXT NOT NULL DEFAULT 'info',
      body TEXT NOT NULL,
      meta_json TEXT DEFAULT '{}',
      idempotency_key TEXT,
      flushed INTEGER NOT NULL DEFAULT 0,
      created_at TEXT NOT NULL DEFAULT (${NOW}),
      rejected_at TEXT
    );
    INSERT INTO local_events
      SELECT coalesce(id, ${NEW_ID}), mode, ts, seq, source, type, subtype, symbol, severity, body, meta_json,
        idempotency_key, flushed, created_at, rejected_at
      FROM local_events_1;
    DROP TABLE local_events_1;
    CREATE INDEX idx_local_events_unflushed ON local_events (mode, seq)
      WHERE flushed = 0 AND rejected_at IS NULL;
    CREATE UNIQUE INDEX idx_local_events_mode_seq ON local_events (mode, seq);
    CREATE UNIQUE INDEX idx_local_events_mode_key ON local_events (mode, idempotency_key);

    ALTER TABLE local_flush_log RENAME TO local_flush_log_1;
    CREATE TABLE local_flush_log (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      ts TEXT NOT NULL DEFAULT (${NOW}),
      mode TEXT NOT NULL,
      count INTEGER NOT NULL,
      last_seq INTEGER NOT NULL,
      status TEXT NOT NULL,
      error TEXT
    );
    INSERT INTO local_flush_log SELECT * FROM local_flush_log_1;
    DROP TABLE local_flush_log_1;
    CREATE INDEX idx_local_flush_log_mode ON local_flush_log (mode, status, id);

    ALTER TABLE local_state_snapshots RENAME TO local_state_snapshots_1;
    CREATE TABLE local_state_snapshots (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      mode TEXT NOT NULL,
      ts TEXT NOT NULL DEFAULT (${NOW}),
      state_json TEXT NOT NULL
    );
    INSERT INTO local_state_snapshots SELECT * FROM local_state_snapshots_1;
    DROP TABLE local_state_snapshots_1;
    CREATE INDEX idx_local_state_snapshots_mode ON local_state_snapshots (mode, id);
  `,
}];

/** JSON of the application must still be JSON. */
export const joins: readonly Join[] = [
  { table: "local_events", where: "seq > 0 AND (meta_json IS NULL OR json_valid(meta_json))" },
  { table: "local_state_snapshots", where: "json_valid(state_json)" },
];
