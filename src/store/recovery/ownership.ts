/**
 * Whether a file is a database of ours, even if damaged. Any other file is left alone: a wrong `db_path` must not
 * destroy the file that it names.
 * @module
 */
import type { Migration } from "../../core/mod.ts";
import { readableBackups } from "../backup/backups.ts";
import type { Database } from "../database.ts";
import { statOf } from "../files.ts";
import { APPLICATION_ID, firstBytesOf, looksLikeDatabase } from "./header.ts";
import { appliedNames, knownNames } from "../migrations.ts";
import { PAGE_BYTES } from "./pages.ts";
import { fileFailure } from "../database_path.ts";
import { StoreError, storeErrorKind } from "../store_error.ts";

/** Files beside a database of ours while an agent has it, or after one was killed or found it damaged. Versions up to
 * 0.2.0 left `.suspect` and `.displaced`. */
const TRACES = ["-wal", "-shm", ".holder", ".suspect", ".displaced", ".repair", ".restoring"];

/**
 * Opens the file only where no agent has left a trace, so never one that is in use.
 * @throws {StoreError} `cannot-open` for a file that is no database and never was one of ours
 */
export function refuseForeignFile(path: string): void {
  if (!statOf(path)?.size || hasTraces(path)) return;
  let bytes: Uint8Array;
  try {
    bytes = firstBytesOf(path, 2 * PAGE_BYTES);
  } catch (error) {
    throw fileFailure(path, error) ?? error;
  }
  if (looksLikeDatabase(bytes)) return;
  throw foreign(
    path,
    "it is a file that is no database, and none of ClockBlock's. It is left as it is",
  );
}

/**
 * The damage of a database that has our id but none of our migrations.
 * @throws {StoreError} `cannot-open` for another program's database
 */
export function refuseForeignTables(
  path: string,
  { db, migrations }: { db: Database; migrations: readonly Migration[] },
): string | undefined {
  const ours = new Set([...knownNames(migrations)].map(seriesOf));
  if (namesOrNone(db).some((name) => ours.has(seriesOf(name)))) return undefined;
  const id = Number(db.prepare("PRAGMA application_id").get()?.application_id);
  if (hasTables(db) && id === APPLICATION_ID) return "its list of migrations is gone";
  if (!hasTables(db) && (id === 0 || id === APPLICATION_ID)) return undefined;
  throw foreign(path, "it is another program's database");
}

function hasTraces(path: string): boolean {
  return TRACES.some((suffix) => statOf(path + suffix)) || readableBackups(path).length > 0;
}

/** `playtime-3-slots` → `playtime-`: later versions add numbers. */
function seriesOf(name: string): string {
  return /^[a-z]+-(?=\d+-)/.exec(name)?.[0] ?? name;
}

/** Another program's list of migrations may have other columns. */
function namesOrNone(db: Database): string[] {
  try {
    return appliedNames(db);
  } catch (error) {
    if (storeErrorKind(error) === "other") return [];
    throw error;
  }
}

function hasTables(db: Database): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' LIMIT 1").get() !== undefined;
}

function foreign(path: string, state: string): StoreError {
  return new StoreError("cannot-open", `Cannot open "${path}": ${state}. Use another path.`);
}
