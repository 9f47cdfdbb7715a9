/**
 * The files of the daily backups: `backups/clockblock-2026-03-02.db` beside `clockblock.db`. A number inside each of them
 * says which is the newest: names and times depend on the clock.
 * @module
 */
import { dirname, join, parse } from "node:path";
import { type Day, type Instant, instantOf, logger } from "../../core/mod.ts";
import { type Database, openConnection } from "../database.ts";
import { isFile, removeIfThere, statOf } from "../files.ts";
import { APPLICATION_ID, firstBytesOf, headerOf } from "../recovery/header.ts";

export interface BackupFile {
  path: string;
  /** The day on which it was made, by the clock. */
  day: Day;
  /** Higher is newer; 0 for one of an early version, or that cannot be read. */
  number: number;
}

/** The `meta` key of a backup: when it was made. */
export const BACKUP_OF = "backup_of";

export function backupFolder(databasePath: string): string {
  return join(dirname(databasePath), "backups");
}

/** The path for the backup of a day; a second one of the same day has its number behind the day. */
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

/** The same; none when the folder cannot be read, which is logged. */
export function readableBackups(databasePath: string): BackupFile[] {
  try {
    return listBackups(databasePath);
  } catch (error) {
    const folder = backupFolder(databasePath);
    logger("store").error("Cannot read the backups in {folder}: {error}", { folder, error });
    return [];
  }
}

/** When a backup was made: stored in it, or the time of its file for one of an early version. */
export function madeAt(backup: string): Instant | undefined {
  const stored = asked(
    backup,
    (db) => db.prepare("SELECT value FROM meta WHERE key = ?").get(BACKUP_OF)?.value,
  );
  if (stored !== undefined) return String(stored);
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
    // Restoring it finds out why.
    return 0;
  }
}

/** Orders backups without a number: rows ever inserted, since their keys only grow. */
function rowsIn(path: string): number {
  return asked(path, (db) =>
    db.prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0
       AND name NOT LIKE 'sqlite_%'`,
    ).all()
      .map(({ name }) => `SELECT max(rowid) AS rows FROM "${name}"`)
      .reduce((sum, sql) => sum + Number(db.prepare(sql).get()?.rows ?? 0), 0)) ?? 0;
}

/** What `question` returns of a backup; undefined when it cannot be read. */
function asked<T>(path: string, question: (db: Database) => T): T | undefined {
  // Reading a database in WAL mode creates these.
  const made = [`${path}-wal`, `${path}-shm`].filter((file) => !isFile(file));
  let db: Database | undefined;
  try {
    db = openConnection(path, { readOnly: true });
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
