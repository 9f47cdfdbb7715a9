/**
 * The tables of play time. The key of a heartbeat is `seq`, its place in the order of arrival: an index on its text id
 * would take a third of the row's size, and times are out of order when a clock is set back.
 * @module
 */
import type { Migration } from "../../core/mod.ts";
import type { Join } from "../../store/mod.ts";

/** Key of `meta`: whether the slots of games lack heartbeats of an earlier version, `yes` or `no`. */
export const GAMES_DUE = "playtime_games_due";

export const migrations: readonly Migration[] = [{
  name: "playtime-1-heartbeats",
  sql: `
    CREATE TABLE heartbeats (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      device_id TEXT NOT NULL,
      timestamp_utc TEXT NOT NULL,
      is_playing INTEGER NOT NULL,
      poll_interval_sec INTEGER NOT NULL,
      process_name TEXT,
      synced_at TEXT,
      rejected_at TEXT
    );
    -- In these columns an entry holds nothing but the row's seq, and covers the condition.
    CREATE INDEX heartbeats_unsynced ON heartbeats (synced_at, rejected_at)
      WHERE synced_at IS NULL AND rejected_at IS NULL;
    CREATE INDEX heartbeats_rejected ON heartbeats (id) WHERE rejected_at IS NOT NULL;

    CREATE TABLE daily_rollups (
      device_id TEXT NOT NULL,
      date_utc TEXT NOT NULL,
      minutes_used REAL NOT NULL,
      minutes_overdraft REAL NOT NULL,
      allowance_min REAL NOT NULL,
      last_heartbeat_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      PRIMARY KEY (device_id, date_utc)
    ) WITHOUT ROWID;

    CREATE TABLE usage_slots (
      device_id TEXT NOT NULL,
      slot_utc TEXT NOT NULL,
      minutes_used REAL NOT NULL,
      PRIMARY KEY (device_id, slot_utc)
    ) WITHOUT ROWID;
  `,
}, {
  // Also lets a row be written that says nothing of an allowance.
  name: "playtime-2-no-limit",
  sql: `
    ALTER TABLE daily_rollups RENAME TO daily_rollups_1;
    CREATE TABLE daily_rollups (
      device_id TEXT NOT NULL,
      date_utc TEXT NOT NULL,
      minutes_used REAL NOT NULL,
      minutes_overdraft REAL NOT NULL,
      -- What was allowed when the day was last written: a later change does not rewrite history. Null: no limit.
      allowance_min REAL,
      last_heartbeat_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      PRIMARY KEY (device_id, date_utc)
    ) WITHOUT ROWID;
    -- Before, no limit was written as 0: it is one until the first day that allowed something.
    INSERT INTO daily_rollups
      SELECT device_id, date_utc, minutes_used, iif(date_utc < limited_from, 0, minutes_overdraft),
        iif(date_utc < limited_from, NULL, allowance_min), last_heartbeat_at, updated_at
      FROM (
        SELECT *, coalesce(
          min(iif(allowance_min > 0, date_utc, NULL)) OVER (PARTITION BY device_id),
          '9999'
        ) AS limited_from
        FROM daily_rollups_1
      );
    DROP TABLE daily_rollups_1;
  `,
}, {
  name: "playtime-3-allowance-grants",
  sql: `
    -- A grant never changes; what undoes one is a grant of the opposite.
    CREATE TABLE allowance_grants (
      id TEXT NOT NULL PRIMARY KEY,
      device_id TEXT NOT NULL,
      date TEXT NOT NULL,
      extra_min REAL NOT NULL,
      reason TEXT,
      made_by TEXT,
      undoes TEXT,
      created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      synced_at TEXT,
      rejected_at TEXT
    );
    CREATE INDEX allowance_grants_date ON allowance_grants (device_id, date);
    CREATE UNIQUE INDEX allowance_grants_undoes ON allowance_grants (undoes) WHERE undoes IS NOT NULL;
    CREATE INDEX allowance_grants_unsynced ON allowance_grants (created_at, id)
      WHERE synced_at IS NULL AND rejected_at IS NULL;
  `,
}, {
  name: "playtime-4-games",
  sql: `
    CREATE TABLE game_slots (
      device_id TEXT NOT NULL,
      slot_utc TEXT NOT NULL,
      label TEXT NOT NULL,
      process_name TEXT NOT NULL,
      minutes_used REAL NOT NULL,
      PRIMARY KEY (device_id, slot_utc, label, process_name)
    ) WITHOUT ROWID;
    CREATE VIEW daily_games AS
      SELECT device_id, substr(slot_utc, 1, 10) AS date_utc, label, process_name,
        sum(round(minutes_used * 60000)) / 60000 AS minutes_used
      FROM game_slots GROUP BY 1, 2, 3, 4;
    -- Heartbeats of earlier versions: their games are filled in once, in the background.
    INSERT INTO meta (key, value)
      SELECT '${GAMES_DUE}', 'yes' WHERE EXISTS (SELECT 1 FROM heartbeats);
  `,
}];

/** Minutes only grow, and there are no more of them than in a day. */
export const joins: readonly Join[] = [
  { table: "heartbeats", where: "is_playing IN (0, 1) AND poll_interval_sec BETWEEN 0 AND 86400" },
  { table: "daily_rollups", wins: "later", where: "minutes_used BETWEEN 0 AND 1440" },
  { table: "usage_slots", wins: "later", where: "minutes_used BETWEEN 0 AND 1440" },
  { table: "allowance_grants", where: "extra_min BETWEEN -1440 AND 1440" },
  { table: "game_slots", wins: "later", where: "minutes_used BETWEEN 0 AND 1440" },
];
