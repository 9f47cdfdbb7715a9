/**
 * Where the daily backups lie: `backups/clockblock-2026-03-02.db` beside `clockblock.db`. Which of them is the newest
 * stands in each of them: its name and its times are as right as the clock was.
 * @module
 */
import { dirname, join, parse } from "node:path";
import { type Day, type Instant, instantOf, logger } from "../../core/mod.ts";
import { connect, type Database } from "../database.ts";
import { isFile, removeIfThere, statOf } from "../files.ts";
import { APPLICATION_ID, firstBytesOf, headerOf } from "../recovery/header.ts";

export interface BackupFile {
  path: string;
  /** The day on which it was made, as the clock showed it. */
  day: Day;
  /** The higher, the newer; 0 for one from before they were numbered, or that cannot be read. */
  number: number;
}

/** What a backup knows of itself: when it was made. */
export const BACKUP_OF = "backup_of";

export function backupFolder(databasePath: string): string {
  return join(dirname(databasePath), "backups");
}

/** Where the backup of a day is to lie: there may be one already, where the clock showed that day before. */
export function backupPath(
  databasePath: string,
  { day, number }: Omit<BackupFile, "path">,
): string {
  const path = join(backupFolder(databasePath), `${parse(databasePath).name}-${day}`);
  return isFile(`${path}.db`) ? `${path}-${number}.db` : `${path}.db`;
}

/**
 * The database's daily backups, newest first.
 * @throws when the folder is there but cannot be read
 */
export function listBackups(databasePath: string): BackupFile[] {
  const prefix = `${parse(databasePath).name}-`;
  return namesIn(backupFolder(databasePath))
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => {
      const day = /^(\d{4}-\d{2}-\d{2})(?:-\d+)?\.db$/.exec(name.slice(prefix.length))?.[1];
      const path = join(backupFolder(databasePath), name);
      return day === undefined ? [] : [{ path, day, number: numberOf(path) }];
    })
    .sort(newestFirst);
}

/** The same; that the folder cannot be read is logged and is as if there were none. */
export function readableBackups(databasePath: string): BackupFile[] {
  try {
    return listBackups(databasePath);
  } catch (error) {
    const folder = backupFolder(databasePath);
    logger("store").error("Cannot read the backups in {folder}: {error}", { folder, error });
    return [];
  }
}

/** When a backup was made, as it says itself; an older one's file says so. */
export function madeAt(backup: string): Instant | undefined {
  const said = asked(
    backup,
    (db) => db.prepare("SELECT value FROM meta WHERE key = ?").get(BACKUP_OF)?.value,
  );
  if (said !== undefined) return String(said);
  const mtime = statOf(backup)?.mtime;
  return mtime ? instantOf(mtime.getTime()) : undefined;
}

function newestFirst(one: BackupFile, other: BackupFile): number {
  return other.number - one.number ||
    (one.number === 0 ? rowsIn(other.path) - rowsIn(one.path) : 0) ||
    (one.path < other.path ? 1 : -1);
}

function numberOf(path: string): number {
  try {
    const header = headerOf(firstBytesOf(path));
    return header?.application === APPLICATION_ID ? Math.max(header.mark, 0) : 0;
  } catch {
    // Whether it can be restored is found out when it has to be.
    return 0;
  }
}

/** What tells backups without a number apart: how many rows were ever added, since their keys only grow. */
function rowsIn(path: string): number {
  return asked(path, (db) =>
    db.prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0
       AND name NOT LIKE 'sqlite_%'`,
    ).all()
      .map(({ name }) => `SELECT max(rowid) AS rows FROM "${name}"`)
      .reduce((sum, sql) => sum + Number(db.prepare(sql).get()?.rows ?? 0), 0)) ?? 0;
}

/** What a backup answers; undefined when it is damaged or none. */
function asked<T>(path: string, question: (db: Database) => T): T | undefined {
  // What reading a database in WAL mode makes.
  const made = [`${path}-wal`, `${path}-shm`].filter((file) => !isFile(file));
  let db: Database | undefined;
  try {
    db = connect(path, { readOnly: true });
    return question(db);
  } catch {
    return undefined;
  } finally {
    db?.close();
    made.forEach(removeIfThere);
  }
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
