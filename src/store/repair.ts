/**
 * A damaged database is moved aside, the newest few are kept, and the newest good backup takes its place, or nothing
 * does. A crash at any step leaves a state from which the next start goes on:
 *
 *     copy backup → .restoring │ move database aside │ move -wal, -shm aside │ .restoring → database
 *            starts anew       │              finishRestore goes on from here
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Instant, instantOf, logger } from "../core/mod.ts";
import { readableBackups } from "./backups.ts";
import { discard, fileTime, isFile, removeIfThere, statOf } from "./files.ts";
import { findDamage, type InspectOptions } from "./inspect.ts";

/** What was done about a damaged database. */
export interface Repair {
  damage: string;
  /** Where the damaged file lies; absent when there was none. */
  movedTo?: string;
  /** When the backup that was restored was made; absent when there was no good one. */
  restoredFrom?: Instant;
  /** The database itself was sound and stays: the whole of it, or all but what was recorded last. */
  kept?: "whole" | "but for the last";
  at: Instant;
  /** Until what can be read of the damaged file has been brought back. */
  unfinished?: true;
  /** How many rows were, and how many made no sense. */
  saved?: number;
  unreadable?: number;
}

export interface RepairOptions extends Pick<InspectOptions, "migrations"> {
  damage: string;
  now: number;
}

/** How many damaged databases are kept: each is as large as the database. */
const KEPT = 3;

/** Puts the newest good backup in the place of a damaged database. Nobody may have it open. */
export function repair(path: string, { damage, migrations, now }: RepairOptions): Repair {
  const backup = readableBackups(path).find((candidate) => isGood(candidate.path, { migrations }));
  const restoredFrom = backup && instantOf(statOf(backup.path)?.mtime?.getTime() ?? now);
  // Before the copy, which needs the room.
  forgetDamaged(path, { keep: KEPT - 1 });
  if (backup) copyDurably(backup.path, restoringPath(path));
  const moved = movedPath(path, now);
  const done: Repair = {
    damage,
    ...(SUFFIXES.some((suffix) => isFile(path + suffix)) ? { movedTo: moved } : {}),
    ...(restoredFrom ? { restoredFrom } : {}),
    at: instantOf(now),
    unfinished: true,
  };
  noteRepair(path, done);
  moveAside(path, moved);
  finishRestore(path, now);
  removeIfThere(suspectPath(path));
  return done;
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
  moveAside(path, notedRepair(path)?.movedTo ?? movedPath(path, now));
  Deno.renameSync(restoringPath(path), path);
}

/**
 * Puts a database in its place that was rescued from a deleted or replaced file: what lies there is moved aside.
 * @returns where to, when there was something
 */
export function finishRescue(path: string, now: number): string | undefined {
  rescueParts(path).forEach(removeIfThere);
  const rescued = rescuedPath(path);
  if (!isFile(rescued)) {
    removeIfThere(`${rescued}-wal`);
    return undefined;
  }
  // Otherwise a crash came between the two: then the log that lies there is the rescued one.
  const logWaits = isFile(`${rescued}-wal`);
  const aside = `${path}.displaced-${fileTime(now)}`;
  const found = SUFFIXES.filter((suffix) =>
    statOf(path + suffix) && (suffix !== "-wal" || logWaits)
  );
  for (const suffix of found) {
    // An empty file is what somebody's look at a missing database makes.
    if (isEmptyFile(path + suffix)) Deno.removeSync(path + suffix);
    else Deno.renameSync(path + suffix, aside + suffix);
  }
  if (logWaits) Deno.renameSync(`${rescued}-wal`, `${path}-wal`);
  Deno.renameSync(rescued, path);
  return statOf(aside) ? aside : undefined;
}

/** What a copy that came to no end leaves behind. */
export function rescueParts(path: string): string[] {
  return [".part", "-wal.part"].map((part) => rescuedPath(path) + part);
}

/** Removes a rescued database that is not needed any more. */
export function forgetRescue(path: string): void {
  for (const suffix of ["", "-wal"]) removeIfThere(rescuedPath(path) + suffix);
}

/** Where a database lies complete that is to be put back: at the next start, when a crash comes between. */
export function rescuedPath(path: string): string {
  return `${path}.rescued`;
}

function isEmptyFile(path: string): boolean {
  const stat = statOf(path);
  return stat !== undefined && stat.isFile && stat.size === 0;
}

/** What to tell the user. */
export function describeRepair(repair: Repair): string {
  const { damage, movedTo, restoredFrom, kept, at, unfinished, saved } = repair;
  if (kept === "whole") return `${damage}.`;
  if (kept) return `${damage}: what was recorded last before ${at} may be missing.`;
  const missing = movedTo === undefined
    ? "is missing"
    : unfinished || saved === undefined
    ? "is missing, as far as it cannot still be read"
    : `is missing but for ${saved === 1 ? "one row" : `${saved} rows`} that could still be read`;
  const outcome = restoredFrom
    ? `the backup of ${restoredFrom} was restored: what was recorded between then and ${at} ${missing}`
    : `there was no good backup, so recording began anew: what was recorded before ${at} ${missing}`;
  const where = movedTo === undefined ? "" : ` The damaged file is kept as ${movedTo}.`;
  return `The database was damaged (${damage}); ${outcome}.${where}`;
}

/** Remembers a repair until the database that it makes can: a crash must not make it be forgotten. */
export function noteRepair(path: string, done: Repair): void {
  Deno.writeTextFileSync(notePath(path), JSON.stringify(done));
}

/** The repair that the database does not know of yet. */
export function notedRepair(path: string): Repair | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(notePath(path)));
  } catch {
    // There is none, or a crash cut it short.
    return undefined;
  }
}

export function forgetNote(path: string): void {
  removeIfThere(notePath(path));
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

/** The database and what belongs to it. */
const SUFFIXES = ["", "-wal", "-shm"];

/** Renames them all, so that they are still found together. */
function moveAside(path: string, moved: string): void {
  for (const suffix of SUFFIXES) {
    if (isFile(path + suffix)) Deno.renameSync(path + suffix, moved + suffix);
  }
}

function movedPath(path: string, now: number): string {
  return `${path}.corrupt-${fileTime(now)}`;
}

/** The damaged databases that are kept, newest first: the names without what belongs to them. */
export function damagedFiles(path: string): string[] {
  const prefix = `${basename(path)}.corrupt-`;
  const names = [...Deno.readDirSync(dirname(path))].map(({ name }) => name)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(dirname(path), name.replace(/-(wal|shm)$/, "")));
  return [...new Set(names)].sort().reverse();
}

/** Removes the oldest damaged databases, so that they do not fill the disk. */
function forgetDamaged(path: string, { keep }: { keep: number }): void {
  for (const old of damagedFiles(path).slice(keep)) {
    logger("store").warn("Removing {old}: the newest {kept} damaged databases are kept", {
      old,
      kept: KEPT,
    });
    for (const suffix of SUFFIXES) discard(old + suffix);
  }
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

function notePath(path: string): string {
  return `${path}.repair`;
}
