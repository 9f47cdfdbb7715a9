/** Checks of the database, its backups and the damaged copies that were kept. @module */
import { migrations } from "../../agent.ts";
import type { Config } from "../../config/mod.ts";
import { dayAt, daysBetween, systemClock } from "../../core/mod.ts";
import {
  type BackupFile,
  damagedFiles,
  findDamage,
  isWritableFile,
  listBackups,
  noteSuspicion,
  refuseForeignFile,
  statOf,
} from "../../store/mod.ts";
import { messageOf } from "../exit.ts";
import { durationOf, sizeText } from "../terminal.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** Backups are daily: after this many days without one, something prevents them. */
const MAX_BACKUP_AGE_DAYS = 3;

/** Reads the whole file; a damaged one is repaired at the next start. */
export function checkDatabase({ db_path }: Config): Finding[] {
  const size = statOf(db_path)?.size;
  if (size === undefined) return [warn("database", `${db_path} is not there yet`)];
  // Both throw with the reason: a database of another program, or one that is not writable, reads without an error.
  refuseForeignFile(db_path);
  isWritableFile(db_path);
  const started = performance.now();
  const damage = findDamage(db_path, { migrations, thoroughly: true });
  const took = durationOf(performance.now() - started);
  // A plain open may not find the damage: mark the file, so that the next start checks it.
  if (damage !== undefined) noteSuspicion(db_path, damage);
  const finding = damage === undefined
    ? ok("database", `${db_path}, ${sizeText(size)}, no damage found (read completely in ${took})`)
    : fail(
      "database",
      `damaged: ${damage}. Restart the agent: it restores the newest backup and the rows that can still be read`,
    );
  return [finding, checkBackups(db_path), ...checkDamaged(db_path)];
}

/** Damaged databases that the agent has kept: each as large as the database. */
function checkDamaged(dbPath: string): Finding[] {
  const files = damagedFiles(dbPath);
  if (files.length === 0) return [];
  const size = files.flatMap((file) => [file, `${file}-wal`])
    .reduce((sum, file) => sum + (statOf(file)?.size ?? 0), 0);
  return [warn(
    "damaged",
    `${files.length === 1 ? "one damaged database is" : `${files.length} damaged databases are`} ` +
      `kept (${sizeText(size)}, the newest ${files[0]}). Delete what you do not miss anything of`,
  )];
}

function checkBackups(dbPath: string): Finding {
  let newest: BackupFile | undefined;
  try {
    newest = listBackups(dbPath)[0];
  } catch (error) {
    return fail(
      "backups",
      `cannot be read: ${messageOf(error)}. Correct the access rights of the folder`,
    );
  }
  if (!newest) return ok("backups", "none yet: the agent makes one a day");
  const days = daysBetween(newest.day, dayAt(systemClock.now()));
  const text = `the newest is of ${newest.day}`;
  return days > MAX_BACKUP_AGE_DAYS
    ? warn(
      "backups",
      `${text}. The agent makes one a day while it runs: see its log for the failure`,
    )
    : ok("backups", text);
}
