/**
 * Where the daily backups lie: `backups/clockblock-2026-03-02.db` beside `clockblock.db`.
 * @module
 */
import { dirname, join, parse } from "node:path";
import { type Day, logger } from "../core/mod.ts";

export interface BackupFile {
  path: string;
  day: Day;
}

export function backupFolder(databasePath: string): string {
  return join(dirname(databasePath), "backups");
}

export function backupPath(databasePath: string, day: Day): string {
  return join(backupFolder(databasePath), `${parse(databasePath).name}-${day}.db`);
}

/**
 * The database's daily backups, newest first.
 * @throws when the folder is there but cannot be read
 */
export function listBackups(databasePath: string): BackupFile[] {
  const prefix = `${parse(databasePath).name}-`;
  return namesIn(backupFolder(databasePath))
    .filter((name) => name.startsWith(prefix))
    .map((name) => /^(\d{4}-\d{2}-\d{2})\.db$/.exec(name.slice(prefix.length))?.[1])
    .filter((day) => day !== undefined)
    .sort().reverse()
    .map((day) => ({ path: backupPath(databasePath, day), day }));
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

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
