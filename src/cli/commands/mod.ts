/** The commands, in the order of `--help`. @module */
import { attendanceCommand } from "./attendance/sheets.ts";
import { allowCommand } from "./allow.ts";
import { backupCommand } from "./backup.ts";
import { devicesCommand } from "./attendance/devices.ts";
import { doctorCommand } from "./doctor.ts";
import { eventsCommand } from "./events.ts";
import { exportCommand } from "./export.ts";
import { installCommand, uninstallCommand } from "./install.ts";
import { loginCommand, logoutCommand } from "./sync/login.ts";
import { peopleCommand } from "./attendance/people.ts";
import { processesCommand } from "./processes.ts";
import { punchesCommand } from "./attendance/punches.ts";
import { quarantineCommand } from "./attendance/quarantine.ts";
import { recomputeCommand } from "./recompute.ts";
import { recordsCommand } from "./sync/records.ts";
import { reloadCommand } from "./reload.ts";
import { rejectedCommand } from "./sync/rejected.ts";
import { runCommand } from "./run.ts";
import { schemaCommand } from "./sync/schema.ts";
import { statusCommand } from "./status.ts";
import { syncCommand } from "./sync/sync.ts";
import { todayCommand } from "./today.ts";

export const commands = {
  run: runCommand,
  status: statusCommand,
  today: todayCommand,
  allow: allowCommand,
  export: exportCommand,
  sync: syncCommand,
  rejected: rejectedCommand,
  records: recordsCommand,
  events: eventsCommand,
  devices: devicesCommand,
  punches: punchesCommand,
  attendance: attendanceCommand,
  people: peopleCommand,
  quarantine: quarantineCommand,
  login: loginCommand,
  logout: logoutCommand,
  schema: schemaCommand,
  reload: reloadCommand,
  recompute: recomputeCommand,
  backup: backupCommand,
  doctor: doctorCommand,
  processes: processesCommand,
  install: installCommand,
  uninstall: uninstallCommand,
};
