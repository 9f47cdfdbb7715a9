/**
 * Attendance: punches from biometric devices on the local network, acknowledged once they are on the disk.
 * @module
 */
export {
  type AttendanceOptions,
  type AttendanceStatus,
  createAttendanceStream,
} from "./attendance.ts";
export { type SyncBatch, syncBatch } from "./batch.ts";
export type { DeviceReport, DeviceState } from "./device.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { joins, migrations } from "./migrations.ts";
export { type Punch, punchId } from "./punches.ts";
export type { QuarantineEntry } from "./quarantine.ts";
export type { AttendanceSettings, DeviceSettings } from "./settings.ts";
