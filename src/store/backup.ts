/**
 * Backups: a copy is made under another name, every page of it is checked, and only then does it get its
 * name. So what has the name of a backup is a good one, of a database that was sound.
 * @module
 */
import { type Clock, dayAt } from "../core/mod.ts";
import { backupFolder, backupPath, listBackups } from "./backups.ts";
import { discardLarge, isFile, statOf } from "./files.ts";
import { checkPlace, fileFailure } from "./place.ts";
import { StoreError } from "./store_error.ts";
import { examine, type Finding } from "./worker.ts";

/** How many daily backups are kept. */
const KEPT = 3;

export interface BackupOptions {
  signal?: AbortSignal;
}

/**
 * Backs a database up to a file of the user's choice. It may be in use, by this process or another.
 * @throws {StoreError} when there is something at `target` already, it cannot be written, or the database is damaged
 */
export async function backupTo(
  database: { readonly path: string },
  target: string,
  options: BackupOptions = {},
): Promise<void> {
  checkPlace(target);
  if (statOf(target)) {
    throw new StoreError(
      "cannot-open",
      `Cannot back up to "${target}": there is a file already. Choose another name.`,
    );
  }
  const finding = await copyChecked(database.path, target, options);
  if (finding.state === "sound") return;
  throw finding.state === "damaged"
    ? new StoreError(
      "corrupt",
      `Cannot back up "${database.path}": it is damaged (${finding.damage}). Restart the agent to repair it.`,
    )
    : new StoreError("other", `Cannot back up to "${target}": ${finding.reason}.`);
}

export interface DailyBackupOptions extends BackupOptions {
  clock: Clock;
}

/** Whether the day has no backup yet. */
export function isBackupDue(path: string, { clock }: { clock: Clock }): boolean {
  return !isFile(backupPath(path, dayAt(clock.now())));
}

/** Makes the day's backup and removes the oldest ones. What it found of the database, since it reads it whole. */
export async function backupDaily(
  path: string,
  { clock, signal }: DailyBackupOptions,
): Promise<Finding> {
  try {
    Deno.mkdirSync(backupFolder(path), { recursive: true });
    const target = backupPath(path, dayAt(clock.now()));
    const finding = await copyChecked(path, target, signal ? { signal } : {});
    if (finding.state === "sound") {
      for (const { path: old } of listBackups(path).slice(KEPT)) await discardLarge(old);
    }
    return finding;
  } catch (error) {
    return { state: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

async function copyChecked(
  path: string,
  target: string,
  options: BackupOptions,
): Promise<Finding> {
  const part = `${target}.part`;
  // One that a crash left behind.
  await discardLarge(part);
  try {
    // Whether the place can be written is told more clearly by the system.
    Deno.writeFileSync(part, new Uint8Array());
  } catch (error) {
    throw fileFailure(target, error) ?? error;
  }
  try {
    const finding = await examine({ path, copyTo: part }, options);
    if (finding.state === "sound") Deno.renameSync(part, target);
    return finding;
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) await discardLarge(part + suffix);
  }
}
