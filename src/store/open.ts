/**
 * Opening the database for good: one agent at a time, a damaged file repaired, and nothing changed on disk
 * when it cannot be.
 * @module
 */
import { instantOf, msOf, systemClock, Warnings } from "../core/mod.ts";
import { listBackups } from "./backups.ts";
import { isFile } from "./files.ts";
import { findDamage } from "./inspect.ts";
import { acquireLock } from "./lock.ts";
import { checkPlace, fileFailure, isWritableFile } from "./place.ts";
import { confirmSuspicion, describeRepair, finishRestore, type Repair, repair } from "./repair.ts";
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
  checkPlace(path);
  const lock = acquireLock(path, { since: instantOf(now) });
  try {
    finishRestore(path, now);
    const damage = isWritableFile(path)
      ? findDamage(path, { migrations, tidy: true }) ?? confirmSuspicion(path, { migrations })
      : findLoss(path);
    const open = () => new Store(path, { ...options, clock, warnings, lock });
    const store = damage === undefined
      ? openSound(open, (found) => repair(path, { damage: found, migrations, now }))
      : openRepaired(open, repair(path, { damage, migrations, now }));
    warnings.clear("database-damaged");
    warnOfRepair(store, { warnings, now });
    return store;
  } catch (error) {
    lock.release();
    throw databaseFailure(`Cannot open "${path}"`, error) ?? fileFailure(path, error) ?? error;
  }
}

/** An empty file is what SQLite takes for a new database, and what some disks leave of an old one. */
function findLoss(path: string): string | undefined {
  return isFile(path) && listBackups(path).length > 0 ? "the file is empty" : undefined;
}

/** Opens what looked sound; when it turns out damaged on the first writes, it is repaired once. */
function openSound(open: () => Store, repair: (damage: string) => Repair): Store {
  try {
    return open();
  } catch (error) {
    if (storeErrorKind(error) !== "corrupt" || !(error instanceof Error)) throw error;
    return openRepaired(open, repair(error.message));
  }
}

function openRepaired(open: () => Store, done: Repair): Store {
  const store = open();
  store.setMeta("repair", JSON.stringify(done));
  return store;
}

function warnOfRepair(
  store: Store,
  { warnings, now }: { warnings: Warnings; now: number },
): void {
  const kept = store.meta("repair");
  if (kept === undefined) return;
  const done = JSON.parse(kept) as Repair; // only written by `openRepaired`
  if (now - msOf(done.at) < REMIND_MS) warnings.raise("database-restored", describeRepair(done));
}
