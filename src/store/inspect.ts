/**
 * What a database file is, found out without changing it.
 * @module
 */
import type { Migration } from "../core/mod.ts";
import { connect, type Database } from "./database.ts";
import { isFile, removeIfThere } from "./files.ts";
import { appliedNames, refuseNewer } from "./migrations.ts";
import { damageText, databaseFailure, StoreError, storeErrorKind } from "./store_error.ts";

export interface InspectOptions {
  migrations: readonly Migration[];
  /** Reads every page instead of what SQLite reads by opening: about 5 s per GB. */
  thoroughly?: boolean;
  /**
   * Removes the two files that reading a database in WAL mode makes. Only for who holds its lock: they may be
   * those of an agent that started meanwhile.
   */
  tidy?: boolean;
}

/**
 * What is damaged in the database at `path`; undefined when it is sound.
 * @throws {StoreError} when it is sound but not for us: of a later version, another program's, or locked
 */
export function findDamage(path: string, options: InspectOptions): string | undefined {
  const { migrations, thoroughly = false, tidy = false } = options;
  const made = tidy ? [`${path}-wal`, `${path}-shm`].filter((file) => !isFile(file)) : [];
  let db: Database | undefined;
  try {
    db = connect(path, { readOnly: true });
    const applied = appliedNames(db);
    refuseNewer(applied, migrations);
    if (applied.length === 0 && hasTables(db)) {
      throw new StoreError(
        "cannot-open",
        `Cannot open "${path}": it is another program's database. Use another path.`,
      );
    }
    return thoroughly ? firstFinding(db) : undefined;
  } catch (error) {
    if (storeErrorKind(error) === "corrupt") return messageOf(error);
    throw databaseFailure(`Cannot open "${path}"`, error) ?? error;
  } finally {
    db?.close();
    for (const file of made) removeIfThere(file);
  }
}

function hasTables(db: Database): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1").get() !== undefined;
}

function firstFinding(db: Database): string | undefined {
  const finding = String(db.prepare("PRAGMA integrity_check(1)").get()?.integrity_check);
  return finding === "ok" ? undefined : damageText(finding);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
