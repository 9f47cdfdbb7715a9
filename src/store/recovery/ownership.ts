/**
 * Whether a file may be taken for a database of ours, damaged as it may be. What is somebody else's is left alone: a
 * `db_path` that names the wrong file must not cost that file.
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

/** What lies beside a database of ours while an agent has it, or after one was killed or found it damaged. */
const TRACES = ["-wal", "-shm", ".holder", ".suspect", ".displaced", ".repair", ".restoring"];

/**
 * Reads only where nothing shows that an agent has ever had the file, so that it opens none that is in use.
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
 * What is damaged where a database says that it is ours and has none of our migrations.
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

/** `playtime-3-slots` → `playtime-`: a later version has other numbers. */
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
