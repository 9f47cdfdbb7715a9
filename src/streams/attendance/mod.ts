/** Attendance: punches from biometric devices on the local network, acknowledged once they are on disk. @module */
export { type AttendanceConfig, type AttendanceDeps, createAttendance } from "./stream.ts";
export { type SyncBatch, syncBatch } from "./sync_batch.ts";
export { joins, migrations } from "./migrations.ts";
export { punchId } from "./storage/punches.ts";
