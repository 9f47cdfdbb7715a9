/** Checks of the database, its backups and the damaged copies that were kept. @module */
import { migrations } from "../../agent.ts";
import type { Config } from "../../config/mod.ts";
import { type Clock, dayAt, daysBetween } from "../../core/mod.ts";
import {
  type BackupFile,
  damagedFiles,
  findDamage,
  isWritableFile,
  listBackups,
  noteSuspicion,
  refuseForeignFile,
} from "../../store/mod.ts";
import { messageOf } from "../exit.ts";
import { durationOf, sizeText } from "../terminal.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** Backups are daily: after this many days without one, something prevents them. */
const MAX_BACKUP_AGE_DAYS = 3;

/** Reads the whole file; a damaged one is repaired at the next start. */
export function checkDatabase({ db_path }: Config, clock: Clock): Finding[] {
  const size = fileInfo(db_path)?.size;
  if (size === undefined) return [warn("database", `${db_path} is not there yet`)];
  // Both throw with the reason: a database of another program, or one that is not writable, reads without an error.
  refuseForeignFile(db_path);
  isWritableFile(db_path);
  const started = performance.now();
  const damage = findDamage(db_path, { migrations, thoroughly: true });
  if (damage !== undefined) {
    // A plain open may not find it: mark the file, so that the next start checks it.
    noteSuspicion(db_path, damage);
    return [
      fail(
        "database",
        `damaged: ${damage}. Restart the agent: it restores the newest backup and the rows that can still be read`,
      ),
      checkBackups(db_path, clock),
      ...checkDamaged(db_path),
    ];
  }
  const took = durationOf(performance.now() - started);
  return [
    ok("database", `${db_path}, ${sizeText(size)}, no damage found (read completely in ${took})`),
    checkBackups(db_path, clock),
    ...checkDamaged(db_path),
  ];
}

/** What the agent has put aside: as large as the database, and of no use once nothing is missed. */
function checkDamaged(dbPath: string): Finding[] {
  const files = damagedFiles(dbPath);
  if (files.length === 0) return [];
  const size = files.flatMap((file) => [file, `${file}-wal`])
    .reduce((sum, file) => sum + (fileInfo(file)?.size ?? 0), 0);
  return [warn(
    "damaged",
    `${files.length === 1 ? "one damaged database is" : `${files.length} damaged databases are`} ` +
      `kept (${sizeText(size)}, the newest ${files[0]}). Delete what you do not miss anything of`,
  )];
}

/** The agent makes one a day; after some days without, something is in its way. */
function checkBackups(dbPath: string, clock: Clock): Finding {
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
  const days = daysBetween(newest.day, dayAt(clock.now()));
  const text = `the newest is of ${newest.day}`;
  return days > MAX_BACKUP_AGE_DAYS
    ? warn(
      "backups",
      `${text}. The agent makes one a day while it runs: see its log for the failure`,
    )
    : ok("backups", text);
}

/** Undefined where there is no such file. */
export function fileInfo(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
