/**
 * The tables of the event log. Modes come from the configuration and may change, so the log only insists that
 * there is one; which ones are allowed is checked where events come in.
 * @module
 */
import type { Migration } from "../../core/mod.ts";
import type { Join } from "../../store/mod.ts";

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
}];

/** What the application gave as JSON must still be JSON. */
export const joins: readonly Join[] = [
  { table: "local_events", where: "seq > 0 AND (meta_json IS NULL OR json_valid(meta_json))" },
  { table: "local_state_snapshots", where: "json_valid(state_json)" },
];
