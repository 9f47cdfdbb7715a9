/**
 * Opening the database for good: one agent at a time, a damaged file repaired, and nothing changed on disk
 * when it cannot be.
 * @module
 */
import { type Instant, instantOf, msOf, systemClock, Warnings } from "../../core/mod.ts";
import { BACKUP_OF, readableBackups } from "../backup/backups.ts";
import { isFile, statOf } from "../files.ts";
import { findDamage } from "./inspect.ts";
import { acquireLock, type Lock } from "../lock.ts";
import { refuseForeignFile } from "./ownership.ts";
import { checkPlace, fileFailure, isWritableFile } from "../database_path.ts";
import {
  confirmSuspicion,
  describeRepair,
  finishRestore,
  forgetNotes,
  notedDisplacement,
  notedRepair,
  noteRepair,
  type Repair,
  repair,
} from "./repair.ts";
import { Store, type StoreOptions } from "../store.ts";
import { databaseFailure, storeErrorKind } from "../store_error.ts";

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
  const at = instantOf(now);
  checkPlace(path);
  refuseForeignFile(path);
  const lock = acquireLock(path, { since: at });
  try {
    finishRestore(path, now);
    const displaced = notedDisplacement(path);
    const logLost = lock.unclean && (statOf(path)?.size ?? 0) > 0 && !isFile(`${path}-wal`);
    const thoroughly = logLost || displaced !== undefined;
    const damage = withoutOwnLock(
      lock,
      () =>
        isWritableFile(path)
          ? findDamage(path, { migrations, tidy: true, thoroughly }) ??
            confirmSuspicion(path, { migrations })
          : displaced ?? findLoss(path),
    );
    const incomplete = displaced ??
      (logLost ? "The agent was ended from outside, and its write-ahead log is gone" : undefined);
    if (damage === undefined && incomplete !== undefined) {
      noteRepair(path, { damage: incomplete, kept: "but for the last", at, unfinished: true });
    }
    const open = () => {
      lock.holdDatabase();
      return new Store(path, { ...options, clock, warnings, lock });
    };
    const mend = (damage: string) =>
      repair(path, {
        damage: displaced ?? damage,
        displaced: displaced !== undefined,
        migrations,
        now,
      });
    if (damage !== undefined) mend(damage);
    const store = damage === undefined ? openSound(open, mend) : open();
    warnings.clear("database-damaged");
    warnings.clear("database-displaced");
    rememberRepair(store, at);
    warnOfRepair(store, { warnings, now });
    return store;
  } catch (error) {
    lock.release();
    throw databaseFailure(`Cannot open "${path}"`, error) ?? fileFailure(path, error) ?? error;
  }
}

/** Some network file systems make one of our lock and SQLite's: then that of the name has to be enough. */
function withoutOwnLock<T>(lock: Lock, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (storeErrorKind(error) !== "busy" || !lock.letGoOfDatabase()) throw error;
    return work();
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
  forgetNotes(store.path);
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
