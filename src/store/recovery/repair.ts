/**
 * The files of a repair: a damaged database is moved aside, and the newest good backup, if there is one, takes its place.
 * A crash after any line leaves a state from which `finishMoves` goes on.
 * @module
 */
import { instantOf, logger } from "../../core/mod.ts";
import { madeAt, readableBackups } from "../backup/backups.ts";
import { copyDurably, isFile, removeIfThere } from "../files.ts";
import { asidePath, isAnythingAt, moveAside, pruneAside } from "./aside.ts";
import { findDamage, type InspectOptions } from "./inspect.ts";
import { readJournal, type Repair, writeJournal } from "./journal.ts";

export interface RepairOptions extends Pick<InspectOptions, "migrations"> {
  damage: string;
  /** Whether `damage` is what became of the file while it was open. */
  displaced: boolean;
  now: number;
}

/** Puts the newest good backup in the place of a damaged database, which must not be open. */
export function repairFiles(
  path: string,
  { damage, displaced, migrations, now }: RepairOptions,
): void {
  const backup = readableBackups(path).find((candidate) => isGood(candidate.path, { migrations }));
  const restoredFrom = backup && (madeAt(backup.path) ?? instantOf(now));
  // Before the copy, which needs the room.
  pruneAside(path, "corrupt");
  const movedTo = asidePath(path, "corrupt", now);
  const repair: Repair = {
    damage,
    ...(displaced ? { displaced } : {}),
    ...(isAnythingAt(path) ? { movedTo } : {}),
    ...(restoredFrom ? { restoredFrom } : {}),
    at: instantOf(now),
    unfinished: true,
  };
  // First of all: the files alone do not say what was damaged.
  writeJournal(path, { step: "restoring", repair });
  if (backup) copyDurably(backup.path, restoringPath(path));
  moveAside(path, movedTo);
  finishMoves(path, now);
}

/** Completes the moves that a crash interrupted, and those of `setOverwrittenAside`. */
export function finishMoves(path: string, now: number): void {
  removeIfThere(`${restoringPath(path)}.part`);
  const journal = readJournal(path);
  const repair = journal?.step === "restoring" ? journal.repair : undefined;
  if (isFile(path)) {
    // The damaged database was not moved yet, and is found damaged again; or it is the restored one.
    removeIfThere(restoringPath(path));
    return;
  }
  if (isFile(restoringPath(path))) {
    // A log that stayed behind belongs to the damaged file and would damage this one.
    moveAside(path, repair?.movedTo ?? asidePath(path, "corrupt", now));
    Deno.renameSync(restoringPath(path), path);
  } else if (repair?.restoredFrom) {
    // The backup was not copied yet: the repair is done again.
    return;
  } else if (repair?.movedTo) {
    moveAside(path, repair.movedTo);
  }
  if (repair) writeJournal(path, { step: "restored", repair });
}

/**
 * Takes a file out of SQLite's sight that was written over while it was open: closing the database must not move the log
 * into it. The next start puts the file back and the log aside.
 */
export function setOverwrittenAside(path: string): void {
  Deno.renameSync(path, restoringPath(path));
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

function restoringPath(path: string): string {
  return `${path}.restoring`;
}
