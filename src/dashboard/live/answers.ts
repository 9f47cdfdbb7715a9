/** Types of the agent's answers, from the contract. @module */
export type {
  AttendanceDay,
  AttendanceMonth,
  Correction,
  DeviceCommand,
  DeviceReport as Device,
  DeviceState,
  Erased,
  PeopleImport,
  Person,
  Presence,
  Punch,
  QuarantineEntry,
} from "../../contract/attendance.ts";
export type { AllowanceView, Grant } from "../../contract/allowance.ts";
export type { GameDay } from "../../contract/games.ts";
export type { TodayView as Today } from "../../contract/playtime.ts";
export type { Conflict, RecordTable } from "../../contract/records.ts";
export type { DayView, Known } from "../source/source.ts";
export type { Warning } from "../../contract/status.ts";
export type { LaneStatus, RejectedRow, SyncState, SyncStatus } from "../../contract/sync.ts";
