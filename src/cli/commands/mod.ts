/** Every command there is, in the order of `--help`. A new one is a file beside this and a line here. @module */
import { attendance } from "./attendance/sheets.ts";
import { allow } from "./allow.ts";
import { backup } from "./backup.ts";
import { devices } from "./attendance/devices.ts";
import { doctor } from "./doctor.ts";
import { events } from "./events.ts";
import { exportRows } from "./export.ts";
import { install, uninstall } from "./install.ts";
import { login, logout } from "./sync/login.ts";
import { people } from "./attendance/people.ts";
import { processes } from "./processes.ts";
import { punches } from "./attendance/punches.ts";
import { quarantine } from "./attendance/quarantine.ts";
import { recompute } from "./recompute.ts";
import { records } from "./sync/records.ts";
import { reload } from "./reload.ts";
import { rejected } from "./sync/rejected.ts";
import { run } from "./run.ts";
import { schema } from "./sync/schema.ts";
import { status } from "./status.ts";
import { sync } from "./sync/sync.ts";
import { today } from "./today.ts";

export const commands = {
  run,
  status,
  today,
  allow,
  export: exportRows,
  sync,
  rejected,
  records,
  events,
  devices,
  punches,
  attendance,
  people,
  quarantine,
  login,
  logout,
  schema,
  reload,
  recompute,
  backup,
  doctor,
  processes,
  install,
  uninstall,
};
