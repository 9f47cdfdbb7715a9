/** What the agent answers, as far as the page reads it. @module */

export interface Today {
  date: string;
  time_zone: string;
  minutes_used: number;
  minutes_overdraft: number;
  /** Null, as `minutes_left` is: there is no limit. */
  allowance_min: number | null;
  minutes_left: number | null;
}

export interface Warning {
  code: string;
  message: string;
  since: string;
}

export type SyncState =
  | "disabled"
  | "disconnected"
  | "connecting"
  | "connected"
  | "syncing"
  | "failed";

export interface LaneStatus {
  stream: string;
  state: SyncState;
  remote: string | null;
  rows_waiting: number;
  oldest_waiting_at: string | null;
  rows_rejected: number;
  last_success_at: string | null;
  next_attempt_at: string | null;
  last_error: {
    at: string;
    status: number | null;
    code: string | null;
    message: string;
    advice: string | null;
  } | null;
  failures_in_a_row: number;
  mean_latency_ms: number | null;
  rows_pushed: number;
  rows_pulled: number;
  /** How far a table is that is read from its beginning. */
  reading: {
    table: string;
    rows: number;
    /** An estimate; null when the cloud did not say. */
    total: number | null;
    tables_done: number;
    tables: number;
  } | null;
}

export interface SyncStatus {
  state: SyncState;
  online: boolean | null;
  clock_offset_ms: number | null;
  lanes: LaneStatus[];
}

export interface Status {
  is_playing: boolean | null;
  playing_since: string | null;
  process_name: string | null;
  last_seen: string | null;
  today: Today;
  online: boolean | null;
  device_id: string;
  version: string;
  flavour: string;
  started_at: string;
  sync: SyncStatus | null;
  warnings: Warning[];
  database: { bytes: number };
  attendance?: {
    enabled: boolean;
    listening: string | null;
    addresses: string[];
    devices: Record<DeviceState, number>;
    last_punch_at: string | null;
  };
  records?: { waiting: number; conflicts_24h: number };
  events?: { modes: Record<string, { last_seq: number; unflushed: number }> };
}

export interface DayView {
  date_utc: string;
  time_zone: string;
  minutes_used: number;
  minutes_overdraft: number;
  /** Null: there is no limit. */
  allowance_min: number | null;
}

export type DeviceState = "online" | "offline" | "pending" | "refused" | "unsupported";

export interface Device {
  sn: string;
  name: string | null;
  state: DeviceState;
  /** Not heard for longer than usual at this hour. */
  silent: boolean;
  last_seen: string | null;
  protocol: string | null;
  address: string | null;
  model: string | null;
  backlog: number | null;
  /** What one that is not understood sent first. */
  other_address: string | null;
  first_line: string | null;
  skew_ms: number | null;
  time_zone: string;
}

export interface Punch {
  id: string;
  device_sn: string;
  person_id: string;
  person_name: string | null;
  punched_at: string;
  time_suspect: boolean;
  in_out: number | null;
}

/** What a device sent and nobody understood. */
export interface QuarantineEntry {
  id: number;
  device_sn: string;
  reason: string;
  raw: string;
  received_at: string;
}

export interface Conflict {
  id: number;
  at: string;
  table: string;
  record_id: string;
  kind: "edit/edit" | "delete/edit" | "edit/delete";
  winner: "local" | "remote";
  local_updated_at: string;
  remote_updated_at: string;
  local: Record<string, unknown>;
  remote: Record<string, unknown>;
}

export interface RejectedRow {
  stream: string;
  table: string;
  id: string;
  row: Record<string, unknown>;
  status: number | null;
  code: string | null;
  message: string;
  attempts: number;
  first_at: string;
}
