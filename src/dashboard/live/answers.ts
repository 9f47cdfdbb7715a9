/** What the agent answers, as far as the page reads it. @module */
import type * as attendance from "../../contract/attendance.ts";
import type * as playtime from "../../contract/playtime.ts";

export type {
  DeviceReport as Device,
  DeviceState,
  QuarantineEntry,
} from "../../contract/attendance.ts";
export type { TodayView as Today } from "../../contract/playtime.ts";
export type { Conflict } from "../../contract/records.ts";
export type { Status, Warning } from "../../contract/status.ts";
export type { LaneStatus, RejectedRow, SyncState, SyncStatus } from "../../contract/sync.ts";

export type DayView = Pick<
  playtime.DayView,
  "date_utc" | "time_zone" | "minutes_used" | "minutes_overdraft" | "allowance_min"
>;
export type Punch = Pick<
  attendance.Punch,
  "id" | "device_sn" | "person_id" | "person_name" | "punched_at" | "time_suspect" | "in_out"
>;
