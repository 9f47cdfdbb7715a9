/**
 * The one way to open the database for good: one agent at a time, damage repaired, and nothing changed on disk when it
 * cannot be opened. Wherever this is interrupted, the next call continues at the journal's `step` (journal.ts):
 *
 *      open ──► look at what lies there ──sound──────────────────────────► use ──► the agent
 *                 ▲        │                                               ▲ │
 *                 │     damaged                  the database knows of it, │ │ fails as if damaged,
 *                 │        ▼                     the journal is removed    │ │ or the check finds damage
 *                 │   copy the backup, check it                            │ ▼
 *     "suspected" │        │                                     salvage ──┘ every page is to be checked
 *     "displaced" │        ▼                                        ▲        │
 *                 │   "restoring": damaged files aside, copy ──► "restored"  │
 *                 └──────────────────────────────────────────────────────────┘
 *
 * The rows of the salvage and "unfinished" are in the same database, so that what a crash interrupts there is done again.
 * @module
 */
import {
  errorMessage,
  type Instant,
  instantOf,
  logger,
  systemClock,
  Warnings,
} from "../../core/mod.ts";
import { BACKUP_OF, readableBackups } from "../backup/backups.ts";
import { checkPath, fileFailure, isWritableFile } from "../database_path.ts";
import { isFile, statOf } from "../files.ts";
import { acquireLock, type Lock } from "../lock.ts";
import { Store, type StoreOptions } from "../store.ts";
import { databaseFailure, storeErrorKind } from "../store_error.ts";
import { findDamage } from "./inspect.ts";
import type { Join } from "./join.ts";
import {
  type Journal,
  noteSuspicion,
  readJournal,
  removeJournal,
  type Repair,
  writeJournal,
} from "./journal.ts";
import { refuseForeignFile } from "./ownership.ts";
import { finishMoves, repairFiles } from "./repair.ts";
import { rememberRepair, repairOf, warnOfRepair } from "./report.ts";
import { salvage, type Salvaged } from "./salvage.ts";

export interface RecoveryOptions extends Omit<StoreOptions, "lock"> {
  /** How rows of a damaged database join those of the database that took its place. */
  joins?: readonly Join[];
  afterRestore?: AfterRestore;
  /** Ends a salvage between two slices; the next call continues it. */
  signal?: AbortSignal | undefined;
}

/** What the caller's rows need after a restore, before anything new is recorded. */
export interface AfterRestore {
  /** Recomputes what is derived from the salvaged rows. Called again when it was interrupted. */
  recompute(store: Store, options: { signal: AbortSignal }): Promise<unknown>;
  /** Skips numbers that lost rows may have had. Called inside the `write` that completes the repair. */
  skipNumbers(store: Store): void;
}

/**
 * Opens (or makes) the database and returns what `use` makes of it; the database stays open until its `close`. When `use`
 * fails as it would on a damaged database, every page is checked and, if need be, repaired, and it is called again.
 * @throws {StoreError} saying what is in the way and what to do
 */
export async function openRecovered<T>(
  path: string,
  options: RecoveryOptions,
  use: (store: Store) => T | Promise<T>,
): Promise<T> {
  try {
    return await openOnce(path, options, use);
  } catch (error) {
    const kind = storeErrorKind(error);
    // A damaged schema may read as one that lacks a column.
    if (kind !== "corrupt" && kind !== "other") throw error;
    noteSuspicion(path, errorMessage(error));
    return await openOnce(path, options, use);
  }
}

async function openOnce<T>(
  path: string,
  options: RecoveryOptions,
  use: (store: Store) => T | Promise<T>,
): Promise<T> {
  const store = openStore(path, options);
  try {
    await completeRepair(store, options);
    return await use(store);
  } catch (error) {
    store.close();
    throw error;
  }
}

/**
 * Opens a database whose files are in order again; the salvage is still to come. Fast at any size: of a sound file only
 * the first pages are read.
 */
export function openStore(path: string, options: RecoveryOptions): Store {
  const { migrations, clock = systemClock, warnings = new Warnings({ clock }) } = options;
  const now = clock.now();
  checkPath(path);
  refuseForeignFile(path);
  const lock = acquireLock(path, { since: instantOf(now) });
  let store: Store | undefined;
  try {
    finishMoves(path, now);
    const journal = readJournal(path);
    const displaced = displacementOf(journal);
    const open = () => {
      lock.holdDatabase();
      return new Store(path, { ...options, clock, warnings, lock });
    };
    const repaired = (damage: string) => {
      const what = { damage: displaced ?? damage, displaced: displaced !== undefined };
      repairFiles(path, { ...what, migrations, now });
      return open();
    };
    const damage = inspect(path, { journal, lock, options, at: instantOf(now) });
    store = damage === undefined ? openSound(open, repaired) : repaired(damage);
    warnings.clear("database-damaged");
    warnings.clear("database-displaced");
    takeOverJournal(store, instantOf(now));
    warnOfRepair(store, { warnings, now });
    return store;
  } catch (error) {
    if (store) store.close();
    else lock.release();
    throw databaseFailure(`Cannot open "${path}"`, error) ?? fileFailure(path, error) ?? error;
  }
}

/** What is damaged. Of a sound database that may lack its newest rows, the journal says so afterwards. */
function inspect(
  path: string,
  { journal, lock, options: { migrations }, at }: {
    journal: Journal | undefined;
    lock: Lock;
    options: RecoveryOptions;
    at: Instant;
  },
): string | undefined {
  const displaced = displacementOf(journal);
  const walLost = lock.unclean && (statOf(path)?.size ?? 0) > 0 && !isFile(`${path}-wal`);
  const thoroughly = walLost || (journal !== undefined && journal.step !== "restored");
  const damage = withoutOwnLock(
    lock,
    () =>
      isWritableFile(path)
        ? findDamage(path, { migrations, tidy: true, thoroughly })
        : displaced ?? findLoss(path, journal),
  );
  // A repair that is under way is what its report will be about.
  if (damage !== undefined || repairIn(journal)) return damage;
  const incomplete = displaced ??
    (walLost ? "The agent was ended from outside, and its write-ahead log is gone" : undefined);
  if (incomplete !== undefined) {
    const repair: Repair = { damage: incomplete, kept: "but for the last", at, unfinished: true };
    writeJournal(path, { step: "restored", repair });
  }
  return undefined;
}

/** The repair that the database does not know of yet. */
function repairIn(journal: Journal | undefined): Repair | undefined {
  return journal && "repair" in journal ? journal.repair : undefined;
}

/** What became of the file while it was open. */
function displacementOf(journal: Journal | undefined): string | undefined {
  if (journal?.step === "displaced") return journal.finding;
  return journal?.step === "restoring" && journal.repair.displaced
    ? journal.repair.damage
    : undefined;
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
function findLoss(path: string, journal: Journal | undefined): string | undefined {
  // A repair without a backup leaves nothing; one that was interrupted before the copy is done again.
  if (journal?.step === "restored") return undefined;
  if (journal?.step === "restoring") return journal.repair.damage;
  const left = readableBackups(path).length > 0 || (statOf(`${path}-wal`)?.size ?? 0) > 0;
  if (!left) return undefined;
  return isFile(path) ? "the file is empty" : "the file is gone";
}

/** Opens what looked sound; when it turns out damaged on the first writes, it is repaired once. */
function openSound(open: () => Store, repaired: (damage: string) => Store): Store {
  try {
    return open();
  } catch (error) {
    if (storeErrorKind(error) !== "corrupt") throw error;
    return repaired(errorMessage(error));
  }
}

/** From here on the database itself knows of its repair. */
function takeOverJournal(store: Store, at: Instant): void {
  const journal = readJournal(store.path);
  const backupOf = store.meta(BACKUP_OF);
  const done: Repair | undefined = repairIn(journal) ?? (backupOf === undefined ? undefined : {
    damage: `The backup of ${backupOf} was put in the place of the database by hand`,
    kept: "but for the last",
    at,
    unfinished: true,
  });
  // Rows that are still to be salvaged matter more than a log that is gone.
  if (done && !(done.kept && repairOf(store)?.unfinished)) rememberRepair(store, done);
  if (backupOf !== undefined) store.db.prepare("DELETE FROM meta WHERE key = ?").run(BACKUP_OF);
  removeJournal(store.path);
}

/** Salvages what the damaged database still has; does nothing when the last repair is complete. */
async function completeRepair(store: Store, options: RecoveryOptions): Promise<void> {
  const { clock = systemClock, warnings, joins = [], afterRestore } = options;
  const { signal = store.closing } = options;
  const repair = repairOf(store);
  if (!repair?.unfinished) return;
  const { movedTo } = repair;
  let salvaged: Partial<Salvaged> = {};
  try {
    if (movedTo !== undefined) salvaged = await salvage(store, movedTo, { joins, signal });
    await afterRestore?.recompute(store, { signal });
  } catch (error) {
    const kind = storeErrorKind(error);
    if (signal.aborted || (kind !== undefined && kind !== "other")) throw error;
    // What is read there may be anything: it must not keep the agent from starting, now and ever after.
    logger("store").error("Cannot salvage all of the damaged database: {error}", { error });
  }
  await store.write(() => {
    afterRestore?.skipNumbers(store);
    const { unfinished: _, ...done } = { ...repair, ...salvaged };
    rememberRepair(store, done);
  }, { durable: true });
  if (warnings) warnOfRepair(store, { warnings, now: clock.now() });
}
