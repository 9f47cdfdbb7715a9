/**
 * A damaged database is moved aside, never deleted, and the newest good backup takes its place, or nothing
 * does. A crash at any step leaves a state from which the next start goes on:
 *
 *     copy backup → .restoring │ move database aside │ move -wal, -shm aside │ .restoring → database
 *            starts anew       │              finishRestore goes on from here
 * @module
 */
import { type Instant, instantOf, logger } from "../core/mod.ts";
import { listBackups } from "./backups.ts";
import { fileTime, isFile, removeIfThere, statOf } from "./files.ts";
import { findDamage, type InspectOptions } from "./inspect.ts";

/** What was done about a damaged database. */
export interface Repair {
  damage: string;
  movedTo: string;
  /** When the backup that was restored was made; absent when there was no good one. */
  restoredFrom?: Instant;
  at: Instant;
}

export interface RepairOptions extends Pick<InspectOptions, "migrations"> {
  damage: string;
  now: number;
}

/** Puts the newest good backup in the place of a damaged database. Nobody may have it open. */
export function repair(path: string, { damage, migrations, now }: RepairOptions): Repair {
  const backup = listBackups(path).find((candidate) => isGood(candidate.path, { migrations }));
  const restoredFrom = backup && instantOf(statOf(backup.path)?.mtime?.getTime() ?? now);
  if (backup) copyDurably(backup.path, restoringPath(path));
  const movedTo = moveAside(path, now);
  finishRestore(path, now);
  removeIfThere(suspectPath(path));
  return { damage, movedTo, at: instantOf(now), ...(restoredFrom ? { restoredFrom } : {}) };
}

/** Goes on with a restore that a crash interrupted. */
export function finishRestore(path: string, now: number): void {
  removeIfThere(`${restoringPath(path)}.part`);
  if (!isFile(restoringPath(path))) return;
  if (isFile(path)) {
    // The damaged database was not yet moved: it will be found damaged again.
    Deno.removeSync(restoringPath(path));
    return;
  }
  // A log that stayed behind belongs to the damaged file and would damage this one.
  moveAside(path, now);
  Deno.renameSync(restoringPath(path), path);
}

/** What to tell the user. */
export function describeRepair({ damage, movedTo, restoredFrom, at }: Repair): string {
  const outcome = restoredFrom
    ? `the backup of ${restoredFrom} was restored: what was recorded between then and ${at} is missing`
    : `there was no good backup, so recording began anew: what was recorded before ${at} is missing`;
  return `The database was damaged (${damage}); ${outcome}. The damaged file is kept as ${movedTo}.`;
}

/** Notes that the database was found damaged while opening it shows nothing, for the start that repairs it. */
export function noteSuspicion(path: string, finding: string): void {
  Deno.writeTextFileSync(suspectPath(path), finding);
}

/**
 * Whether the agent that ran last found damage that opening does not show. It is looked at again, because the
 * file may have been replaced by hand since.
 */
export function confirmSuspicion(path: string, options: InspectOptions): string | undefined {
  if (!isFile(suspectPath(path))) return undefined;
  const damage = findDamage(path, { ...options, thoroughly: true, tidy: true });
  if (damage === undefined) removeIfThere(suspectPath(path));
  return damage;
}

function isGood(path: string, { migrations }: Pick<InspectOptions, "migrations">): boolean {
  try {
    const damage = findDamage(path, { migrations, thoroughly: true, tidy: true });
    if (damage === undefined) return true;
    logger("store").error("The backup {path} is damaged: {damage}", { path, damage });
  } catch (error) {
    logger("store").error("The backup {path} cannot be used: {error}", { path, error });
  }
  return false;
}

/** Renames the database and what belongs to it, so that SQLite still finds them together. */
function moveAside(path: string, now: number): string {
  const moved = `${path}.corrupt-${fileTime(now)}`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (isFile(path + suffix)) Deno.renameSync(path + suffix, moved + suffix);
  }
  return moved;
}

/** After a power cut the copy is whole or not there at all. */
function copyDurably(from: string, to: string): void {
  Deno.copyFileSync(from, `${to}.part`);
  using file = Deno.openSync(`${to}.part`, { read: true, write: true });
  file.syncSync();
  Deno.renameSync(`${to}.part`, to);
}

function restoringPath(path: string): string {
  return `${path}.restoring`;
}

function suspectPath(path: string): string {
  return `${path}.suspect`;
}
