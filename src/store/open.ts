/**
 * Opening the database for good: one agent at a time, a damaged file repaired, and nothing changed on disk
 * when it cannot be.
 * @module
 */
import { type Instant, instantOf, msOf, systemClock, Warnings } from "../core/mod.ts";
import { readableBackups } from "./backups.ts";
import { isFile, statOf } from "./files.ts";
import { findDamage } from "./inspect.ts";
import { acquireLock } from "./lock.ts";
import { checkPlace, fileFailure, isWritableFile } from "./place.ts";
import {
  confirmSuspicion,
  describeRepair,
  finishRescue,
  finishRestore,
  forgetNote,
  notedRepair,
  noteRepair,
  type Repair,
  repair,
  rescuedPath,
} from "./repair.ts";
import { Store, type StoreOptions } from "./store.ts";
import { databaseFailure, storeErrorKind } from "./store_error.ts";

/** How long a repair is shown as a warning: the person who should know may not look every day. */
const REMIND_MS = 7 * 24 * 60 * 60_000;

/**
 * Opens (or makes) the database and holds its lock until it closes. Fast at any size: of a sound file only
 * the first pages are read.
 * @throws {StoreError} saying what is in the way and what to do
 */
export function openStore(path: string, options: StoreOptions): Store {
  const { migrations, clock = systemClock, warnings = new Warnings({ clock }) } = options;
  const now = clock.now();
  checkPlace(path, { rescued: rescuedPath(path) });
  const lock = acquireLock(path, { since: instantOf(now) });
  try {
    finishRescue(path, now);
    finishRestore(path, now);
    const logLost = lock.unclean && (statOf(path)?.size ?? 0) > 0 && !isFile(`${path}-wal`);
    const damage = isWritableFile(path)
      ? findDamage(path, { migrations, tidy: true, thoroughly: logLost }) ??
        confirmSuspicion(path, { migrations })
      : findLoss(path);
    if (logLost && damage === undefined) {
      const gone = "The agent was ended from outside, and its write-ahead log is gone";
      noteRepair(path, {
        damage: gone,
        kept: "but for the last",
        at: instantOf(now),
        unfinished: true,
      });
    }
    const open = () => new Store(path, { ...options, clock, warnings, lock });
    const mend = (damage: string) => repair(path, { damage, migrations, now });
    if (damage !== undefined) mend(damage);
    const store = damage === undefined ? openSound(open, mend) : open();
    warnings.clear("database-damaged");
    rememberRepair(store, instantOf(now));
    warnOfRepair(store, { warnings, now });
    return store;
  } catch (error) {
    lock.release();
    throw databaseFailure(`Cannot open "${path}"`, error) ?? fileFailure(path, error) ?? error;
  }
}

/** No file at all, or an empty one, which is what some disks leave: to SQLite both are a new database. */
function findLoss(path: string): string | undefined {
  const left = readableBackups(path).length > 0 || (statOf(`${path}-wal`)?.size ?? 0) > 0;
  if (notedRepair(path) || !left) return undefined;
  return isFile(path) ? "the file is empty" : "the file is gone";
}

/** Opens what looked sound; when it turns out damaged on the first writes, it is repaired once. */
function openSound(open: () => Store, mend: (damage: string) => Repair): Store {
  try {
    return open();
  } catch (error) {
    if (storeErrorKind(error) !== "corrupt" || !(error instanceof Error)) throw error;
    mend(error.message);
    return open();
  }
}

const REPAIR = "repair";
/** What a backup knows of itself. */
const BACKUP_OF = "backup_of";

/** From here on the database itself knows of its repair. */
function rememberRepair(store: Store, at: Instant): void {
  const made = store.meta(BACKUP_OF);
  const done = notedRepair(store.path) ?? (made === undefined ? undefined : {
    damage: `The backup of ${made} was put in the place of the database by hand`,
    kept: "but for the last",
    at,
    unfinished: true,
  });
  if (done) store.setMeta(REPAIR, JSON.stringify(done));
  if (made !== undefined) store.db.prepare("DELETE FROM meta WHERE key = ?").run(BACKUP_OF);
  forgetNote(store.path);
}

/** The last repair, of which the salvage may still be to come. */
export function repairOf(store: Store): Repair | undefined {
  const kept = store.meta(REPAIR);
  return kept === undefined ? undefined : JSON.parse(kept); // only written here
}

/** The repair has come to its end; called inside `write`. */
export function finishRepair(store: Store, { unfinished: _, ...done }: Repair): void {
  store.setMeta(REPAIR, JSON.stringify(done));
}

/** Reminds of a repair. */
export function warnOfRepair(
  store: Store,
  { warnings, now }: { warnings: Warnings; now: number },
): void {
  const done = repairOf(store);
  if (done && now - msOf(done.at) < REMIND_MS) {
    warnings.raise("database-restored", describeRepair(done));
  }
}
