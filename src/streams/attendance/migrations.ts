/** The stream's tables. @module */
import type { Migration } from "../../core/mod.ts";
import type { Join } from "../../store/mod.ts";

export const migrations: readonly Migration[] = [
  {
    name: "attendance-1-punches",
    sql: `
      CREATE TABLE devices (
        sn TEXT PRIMARY KEY,
        name TEXT,
        approval TEXT NOT NULL,
        protocol TEXT,
        time_zone TEXT,
        read_zone TEXT,
        address TEXT,
        model TEXT,
        firmware TEXT,
        mac TEXT,
        backlog INTEGER,
        skew_ms INTEGER,
        first_seen TEXT,
        last_seen TEXT
      ) WITHOUT ROWID;

      -- What an iclock device has said of how far it has sent a table; an opaque text.
      CREATE TABLE device_stamps (
        device_sn TEXT NOT NULL,
        table_name TEXT NOT NULL,
        stamp TEXT NOT NULL,
        PRIMARY KEY (device_sn, table_name)
      ) WITHOUT ROWID;

      CREATE TABLE device_logs (
        seq INTEGER PRIMARY KEY,
        -- A function of device, person and time, whose uniqueness is its own: an index on it would cost more
        -- than the rest of the row. Rejected rows are found by it.
        id TEXT NOT NULL,
        device_sn TEXT NOT NULL,
        person_id TEXT NOT NULL,
        device_time TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        punched_at TEXT NOT NULL,
        received_at TEXT NOT NULL,
        skew_ms INTEGER,
        time_suspect INTEGER NOT NULL DEFAULT 0,
        mode INTEGER,
        in_out INTEGER,
        event INTEGER,
        raw TEXT NOT NULL,
        synced_at TEXT,
        rejected_at TEXT,
        -- The time before the person: a backlog then goes to the end of the index, not all over it.
        UNIQUE (device_sn, device_time, person_id)
      );
      CREATE INDEX device_logs_waiting ON device_logs (seq)
        WHERE synced_at IS NULL AND rejected_at IS NULL;
      CREATE INDEX device_logs_rejected ON device_logs (id) WHERE rejected_at IS NOT NULL;
      CREATE INDEX device_logs_time ON device_logs (punched_at);
      CREATE INDEX device_logs_device ON device_logs (device_sn, punched_at);
      CREATE INDEX device_logs_person ON device_logs (person_id, punched_at);

      CREATE TABLE device_events (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        device_sn TEXT NOT NULL,
        kind TEXT NOT NULL,
        person_id TEXT NOT NULL,
        device_time TEXT NOT NULL,
        event INTEGER,
        raw TEXT NOT NULL,
        received_at TEXT NOT NULL
      );

      CREATE TABLE device_quarantine (
        seq INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE,
        device_sn TEXT NOT NULL,
        protocol TEXT NOT NULL,
        reason TEXT NOT NULL,
        raw TEXT NOT NULL,
        file TEXT,
        received_at TEXT NOT NULL
      );
    `,
  },
  {
    name: "attendance-2-asked",
    sql: `
      -- Whether the device is to send everything again and has not yet been asked to.
      ALTER TABLE devices ADD COLUMN resync INTEGER NOT NULL DEFAULT 0;
      -- By how many minutes its clock was set ahead of UTC when it was last told the time.
      ALTER TABLE devices ADD COLUMN told_offset INTEGER;
    `,
  },
  {
    name: "attendance-3-heard",
    sql: `
      -- What a device that is not understood sent first.
      ALTER TABLE devices ADD COLUMN first_line TEXT;
      -- The hours of the last week in which it was heard: the last of them, and a bit for each before it.
      ALTER TABLE devices ADD COLUMN heard_hours TEXT;
    `,
  },
  {
    name: "attendance-4-people",
    sql: `
      CREATE TABLE people (
        person_id TEXT PRIMARY KEY,
        name TEXT,
        department TEXT,
        active INTEGER NOT NULL,
        -- Who said so last: device, import or person.
        source TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        -- When all that was kept of the person was erased; equal to updated_at while nothing was heard since.
        erased_at TEXT,
        synced_at TEXT,
        rejected_at TEXT
      ) WITHOUT ROWID;

      -- Other ids of the same person. An alias has no shown row in people.
      CREATE TABLE person_aliases (
        alias TEXT PRIMARY KEY,
        person_id TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX person_aliases_person ON person_aliases (person_id);

      -- The names that devices last sent: one that repeats a name changes nothing.
      CREATE TABLE device_names (
        person_id TEXT NOT NULL,
        device_sn TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (person_id, device_sn)
      ) WITHOUT ROWID;

      -- When the device was last asked for the names it holds.
      ALTER TABLE devices ADD COLUMN names_asked_at TEXT;
    `,
  },
  {
    name: "attendance-5-directions",
    sql: `
      -- entrance or exit; null for both.
      ALTER TABLE devices ADD COLUMN role TEXT;
      -- A bit for each status from 0 to 5 that it has sent; null until its punches were looked through.
      ALTER TABLE devices ADD COLUMN statuses INTEGER;
      -- By what the directions of its punches were decided; null before they were.
      ALTER TABLE devices ADD COLUMN decided_by TEXT;

      -- in or out; null while undecided, and for a time that cannot be right and a device that says nothing.
      ALTER TABLE device_logs ADD COLUMN direction TEXT;
      ALTER TABLE device_logs ADD COLUMN direction_by TEXT;

      -- Whose punches are to be decided again, from one instant to another and on until nothing changes any more;
      -- the person '' is everyone.
      CREATE TABLE direction_queue (
        person_id TEXT PRIMARY KEY,
        since TEXT NOT NULL,
        until TEXT NOT NULL
      ) WITHOUT ROWID;
    `,
  },
  {
    name: "attendance-6-commands",
    sql: `
      -- What people asked of devices, with its outcome. The id is the number by which an iclock device answers.
      CREATE TABLE device_commands (
        id INTEGER PRIMARY KEY,
        device_sn TEXT NOT NULL,
        command TEXT NOT NULL,
        person_id TEXT,
        state TEXT NOT NULL,
        result TEXT,
        asked_at TEXT NOT NULL,
        ended_at TEXT
      );
      CREATE INDEX device_commands_device ON device_commands (device_sn, id);
      CREATE INDEX device_commands_open ON device_commands (id) WHERE ended_at IS NULL;
    `,
  },
  {
    name: "attendance-7-corrections",
    sql: `
      -- Punches that a person added, struck out or restored. Rows are only added.
      CREATE TABLE punch_corrections (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        punch_id TEXT NOT NULL,
        person_id TEXT NOT NULL,
        punched_at TEXT NOT NULL,
        direction TEXT,
        reason TEXT NOT NULL,
        made_by TEXT NOT NULL,
        created_at TEXT NOT NULL,
        synced_at TEXT,
        rejected_at TEXT
      );
      CREATE INDEX punch_corrections_time ON punch_corrections (punched_at, id);
      CREATE INDEX punch_corrections_person ON punch_corrections (person_id, punched_at);
      CREATE INDEX punch_corrections_waiting ON punch_corrections (id)
        WHERE synced_at IS NULL AND rejected_at IS NULL;

      -- The corrections by which it does not count, and by which it is here; null: a device sent it, and it counts.
      ALTER TABLE device_logs ADD COLUMN struck_by TEXT;
      ALTER TABLE device_logs ADD COLUMN added_by TEXT;
    `,
  },
  {
    name: "attendance-8-suspect",
    sql: `
      -- Few: presence asks for those of the last hours, among all that a backlog may have brought in them.
      CREATE INDEX device_logs_suspect ON device_logs (seq) WHERE time_suspect = 1;
    `,
  },
  {
    name: "attendance-9-people-outbox",
    sql: `
      -- Unlike that of any other row of this stream that goes to the cloud.
      ALTER TABLE people ADD COLUMN id TEXT GENERATED ALWAYS AS ('person:' || person_id) VIRTUAL;
      CREATE INDEX people_waiting ON people (updated_at, person_id)
        WHERE synced_at IS NULL AND rejected_at IS NULL;
      CREATE INDEX people_rejected ON people (id) WHERE rejected_at IS NOT NULL;

      -- How often the person's punches came to need sending again since they last were.
      ALTER TABLE people ADD COLUMN resend INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX people_resend ON people (person_id) WHERE resend > 0;
    `,
  },
];

/** A device that receives an older stamp sends again what may have been lost. */
export const joins: readonly Join[] = [
  { table: "devices", wins: "later" },
  { table: "device_stamps", wins: "none" },
  { table: "people", wins: "later" },
  { table: "person_aliases", wins: "later" },
  { table: "device_names", wins: "later" },
];
