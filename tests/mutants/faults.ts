/** Every fault that the tests have to notice, by area. @module */
import type { FaultyFile } from "./fault.ts";
import { API_FAULTS } from "./faults/api.ts";
import { ATTENDANCE_FAULTS } from "./faults/attendance.ts";
import { CLI_FAULTS } from "./faults/cli.ts";
import { CLIENT_FAULTS } from "./faults/client.ts";
import { CONFIG_FAULTS } from "./faults/config.ts";
import { CORE_FAULTS } from "./faults/core.ts";
import { DASHBOARD_FAULTS } from "./faults/dashboard.ts";
import { EVENTS_FAULTS } from "./faults/events.ts";
import { PLAYTIME_FAULTS } from "./faults/playtime.ts";
import { RECORDS_FAULTS } from "./faults/records.ts";
import { REMOTES_FAULTS } from "./faults/remotes.ts";
import { SHEETS_FAULTS } from "./faults/sheets.ts";
import { STORE_FAULTS } from "./faults/store.ts";
import { SYNC_FAULTS } from "./faults/sync.ts";

export const FAULTY_FILES: readonly FaultyFile[] = [
  ...CORE_FAULTS,
  ...STORE_FAULTS,
  ...SYNC_FAULTS,
  ...PLAYTIME_FAULTS,
  ...EVENTS_FAULTS,
  ...ATTENDANCE_FAULTS,
  ...SHEETS_FAULTS,
  ...RECORDS_FAULTS,
  ...REMOTES_FAULTS,
  ...API_FAULTS,
  ...CONFIG_FAULTS,
  ...CLI_FAULTS,
  ...CLIENT_FAULTS,
  ...DASHBOARD_FAULTS,
];
