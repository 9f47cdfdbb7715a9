/** Types of the agent's answers, from the contract. @module */
import type * as playtime from "../../contract/playtime.ts";

export type {
  AttendanceDay,
  AttendanceMonth,
  Correction,
  DeviceCommand,
  DeviceReport as Device,
  DeviceState,
  PeopleImport,
  Person,
  Presence,
  Punch,
  QuarantineEntry,
} from "../../contract/attendance.ts";
export type { AllowanceView, Grant } from "../../contract/allowance.ts";
export type { GameDay } from "../../contract/games.ts";
export type { TodayView as Today } from "../../contract/playtime.ts";
export type { Conflict } from "../../contract/records.ts";
export type { Status, Warning } from "../../contract/status.ts";
export type { LaneStatus, RejectedRow, SyncState, SyncStatus } from "../../contract/sync.ts";

export type DayView = Pick<
  playtime.DayView,
  "date_utc" | "time_zone" | "minutes_used" | "minutes_overdraft" | "allowance_min"
>;
