/**
 * A damaged database is moved aside, the newest few are kept, and the newest good backup takes its place, or nothing
 * does. A crash at any step leaves a state from which the next start goes on:
 *
 *     copy backup → .restoring │ move database aside │ move -wal, -shm aside │ .restoring → database
 *            starts anew       │              finishRestore goes on from here
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Instant, instantOf, logger } from "../../core/mod.ts";
import { madeAt, readableBackups } from "../backup/backups.ts";
import { discard, fileTime, isFile, removeIfThere } from "../files.ts";
import { findDamage, type InspectOptions } from "./inspect.ts";

/** What was done about a damaged database. */
export interface Repair {
  /** What is damaged, or a sentence on what became of the database while it was open. */
  damage: string;
  displaced?: true;
  /** Where the damaged file lies; absent when there was none. */
  movedTo?: string;
  /** When the backup that was restored was made; absent when there was no good one. */
  restoredFrom?: Instant;
  /** What lies there is sound and stays, though what was recorded last may be missing. */
  kept?: "but for the last";
  at: Instant;
  /** Until what can be read of the damaged file has been brought back. */
  unfinished?: true;
  /** How many rows were, and how many made no sense. */
  saved?: number;
  unreadable?: number;
}

export interface RepairOptions extends Pick<InspectOptions, "migrations"> {
  damage: string;
  displaced: boolean;
  now: number;
}

/** How many damaged databases are kept: each is as large as the database. */
const KEPT = 3;

/** Puts the newest good backup in the place of a damaged database. Nobody may have it open. */
export function repair(
  path: string,
  { damage, displaced, migrations, now }: RepairOptions,
): Repair {
  const backup = readableBackups(path).find((candidate) => isGood(candidate.path, { migrations }));
  const restoredFrom = backup && (madeAt(backup.path) ?? instantOf(now));
  // Before the copy, which needs the room.
  forgetAside(path, "corrupt", { keep: KEPT - 1 });
  if (backup) copyDurably(backup.path, restoringPath(path));
  const moved = movedPath(path, now);
  const done: Repair = {
    damage,
    ...(displaced ? { displaced } : {}),
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

/** What to tell the user. */
export function describeRepair(repair: Repair): string {
  const { damage, displaced, movedTo, restoredFrom, kept, at, unfinished, saved } = repair;
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
  const what = displaced ? damage : `The database was damaged (${damage})`;
  return `${what}; ${outcome}.${where}`;
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

/** The database knows of its repair now. */
export function forgetNotes(path: string): void {
  removeIfThere(notePath(path));
  removeIfThere(displacedPath(path));
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
  return asidePath(path, "corrupt", now);
}

/** Why a database lies aside: it was found damaged, or it was deleted or replaced while it was open. */
export type Aside = "corrupt" | "deleted";

/** Where one is to be put: the number tells the newest, whatever the clock showed. */
function asidePath(path: string, why: Aside, now: number): string {
  const number = 1 + Math.max(0, ...asideFiles(path, why).map(numberOf));
  return `${path}.${why}-${fileTime(now)}-${number}`;
}

function numberOf(aside: string): number {
  return Number(/Z-(\d+)$/.exec(aside)?.[1] ?? 0);
}

/** The databases that lie aside, newest first: the names without what belongs to them. */
function asideFiles(path: string, why: Aside): string[] {
  const prefix = `${basename(path)}.${why}-`;
  const names = [...Deno.readDirSync(dirname(path))].map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && !name.endsWith(".part"))
    .map((name) => join(dirname(path), name.replace(/-(wal|shm)$/, "")));
  return [...new Set(names)]
    .sort((one, other) => numberOf(other) - numberOf(one) || (one < other ? 1 : -1));
}

/** The damaged databases that are kept, and what deleted ones held. */
export function damagedFiles(path: string): string[] {
  return [...asideFiles(path, "corrupt"), ...asideFiles(path, "deleted")];
}

/** Has `copy` write what a database held that has lost its name; returns where it lies. The newest few are kept. */
export async function keepDeleted(
  path: string,
  { now, copy }: { now: number; copy: (to: string) => Promise<unknown> },
): Promise<string> {
  const kept = asidePath(path, "deleted", now);
  forgetAside(path, "deleted", { keep: KEPT - 1 });
  try {
    await copy(`${kept}.part`);
    Deno.renameSync(`${kept}.part`, kept);
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) discard(`${kept}.part${suffix}`);
  }
  return kept;
}

/** Removes the oldest of those that lie aside, so that they do not fill the disk. */
function forgetAside(path: string, why: Aside, { keep }: { keep: number }): void {
  for (const old of asideFiles(path, why).slice(keep)) {
    logger("store").warn("Removing {old}: the newest {kept} are kept", { old, kept: KEPT });
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

/**
 * Takes a file out of SQLite's sight that somebody wrote over, so that closing the database does not move the log into
 * it; the next start puts it back and the log aside.
 */
export function setOverwrittenAside(path: string): void {
  Deno.renameSync(path, restoringPath(path));
}

/** Notes for the next start what became of the database while it was open. */
export function noteDisplacement(path: string, what: string): void {
  Deno.writeTextFileSync(displacedPath(path), what);
}

export function notedDisplacement(path: string): string | undefined {
  return isFile(displacedPath(path)) ? Deno.readTextFileSync(displacedPath(path)) : undefined;
}

function restoringPath(path: string): string {
  return `${path}.restoring`;
}

function displacedPath(path: string): string {
  return `${path}.displaced`;
}

function suspectPath(path: string): string {
  return `${path}.suspect`;
}

function notePath(path: string): string {
  return `${path}.repair`;
}
