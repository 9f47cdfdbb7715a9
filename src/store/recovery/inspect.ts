/** Inspects a database file without changing it. @module */
import { errorMessage, instantOf, logger, type Migration } from "../../core/mod.ts";
import { type Database, openConnection } from "../database.ts";
import { discard, isFile, removeIfThere, statOf } from "../files.ts";
import { whileNobodyHolds } from "../lock.ts";
import { type Log, PAGE_BYTES, readLog } from "./pages.ts";
import { appliedNames, migrate, refuseNewer } from "../migrations.ts";
import { refuseForeignTables } from "./ownership.ts";
import { damageText, databaseFailure, storeErrorKind } from "../store_error.ts";

export interface InspectOptions {
  migrations: readonly Migration[];
  /** Reads every page instead of what SQLite reads on opening: about 5 s per GB. */
  thoroughly?: boolean;
  /**
   * Removes the two files that reading a database in WAL mode creates. Only while holding its lock: otherwise they may
   * belong to an agent that started meanwhile.
   */
  tidy?: boolean;
}

/**
 * What is damaged in the database at `path`; undefined when it is sound.
 * @throws {StoreError} when it is sound but cannot be used: of a later version, another program's, or locked
 */
export function findDamage(path: string, options: InspectOptions): string | undefined {
  const { migrations, thoroughly = false, tidy = false } = options;
  const logged = isFile(`${path}-wal`);
  const made = tidy ? [`${path}-wal`, `${path}-shm`].filter((file) => !isFile(file)) : [];
  let db: Database | undefined;
  try {
    // SQLite takes a damaged frame for the end of the WAL, and drops the commits after it silently.
    const log = tidy ? readLog(`${path}-wal`) : undefined;
    if (log?.broken) return "commits follow a damaged place of its log";
    db = openConnection(path, { readOnly: true });
    const unmarked = refuseForeignTables(path, { db, migrations });
    if (unmarked !== undefined) return unmarked;
    const applied = appliedNames(db);
    refuseNewer(applied, migrations);
    if (tidy && endsWithinPage(path, log)) return "its last page is cut off";
    return thoroughly ? firstFinding(db) ?? strangeTable(db, migrations, applied) : undefined;
  } catch (error) {
    if (storeErrorKind(error) === "corrupt") return errorMessage(error);
    throw databaseFailure(`Cannot open "${path}"`, error) ?? error;
  } finally {
    db?.close();
    for (const file of made) removeIfThere(file);
    if (!tidy && !logged) removeEmptyLog(path);
  }
}

/**
 * A value of `meta` of the database at `path`, which is left as it is; undefined when it cannot be read.
 */
export function peekMeta(path: string, key: string): string | undefined {
  if (!isFile(path)) return undefined;
  let value: string | undefined;
  const read = () => {
    const db = openConnection(path, { readOnly: true });
    try {
      const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
      value = row && String(row.value);
    } finally {
      db.close();
    }
  };
  try {
    // Where an agent runs, the `-wal` and `-shm` are its own.
    if (isFile(`${path}-wal`)) read();
    else {
      whileNobodyHolds(path, () => {
        read();
        for (const made of [`${path}-wal`, `${path}-shm`]) removeIfThere(made);
      }, { make: true });
    }
  } catch (error) {
    logger("store").debug("Cannot look into {path}: {error}", { path, error });
  }
  return value;
}

/** Reading has created an empty WAL. After a kill it would hide from the next start that the agent's own is gone. */
function removeEmptyLog(path: string): void {
  const log = `${path}-wal`;
  whileNobodyHolds(path, () => {
    if (statOf(log)?.size === 0) discard(log);
  });
}

/**
 * Whether the file ends in the middle of a page that its WAL does not have. SQLite reads the rest as zeros, which are
 * valid in a text.
 */
function endsWithinPage(path: string, log: Log | undefined): boolean {
  const size = statOf(path)?.size ?? 0;
  return size % PAGE_BYTES !== 0 && !log?.pages.has(Math.ceil(size / PAGE_BYTES));
}

function firstFinding(db: Database): string | undefined {
  const finding = String(db.prepare("PRAGMA integrity_check(1)").get()?.integrity_check);
  return finding === "ok" ? undefined : damageText(finding);
}

/** A flipped bit in the text of the schema makes another name, which no check of SQLite notices. */
function strangeTable(
  db: Database,
  migrations: readonly Migration[],
  applied: readonly string[],
): string | undefined {
  const model = openConnection(":memory:");
  try {
    migrate(model, migrations.filter(({ name }) => applied.includes(name)), instantOf(0));
    const columns = columnsOf(db);
    for (const [table, wanted] of columnsOf(model)) {
      if (columns.get(table) !== wanted) return `the table ${table} is not as it was created`;
    }
    return undefined;
  } finally {
    model.close();
  }
}

function columnsOf(db: Database): Map<string, string> {
  return new Map(
    db.prepare(
      `SELECT list.name, group_concat(info.name || ' ' || info.type || ' ' || info.pk) AS columns
       FROM pragma_table_list AS list, pragma_table_info(list.name) AS info
       WHERE list.schema = 'main' AND list.name NOT LIKE 'sqlite_%' GROUP BY list.name`,
    ).all().map(({ name, columns }) => [String(name), String(columns)]),
  );
}
