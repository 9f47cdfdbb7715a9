/** Reads a whole database off the event loop, to check it or to make a checked copy. @module */
import { errorMessage, type Instant } from "../../core/mod.ts";
import { APPLICATION_ID } from "../recovery/header.ts";
import { damageText } from "../store_error.ts";
import { JobWorker, STOPPED } from "../worker.ts";

export interface Examination {
  path: string;
  /** Where to make a copy; without it the database itself is checked. */
  copyTo?: string;
  /** When the copy is made, which is stored in it. */
  at?: Instant;
}

/** `damage` of the database, or why it could not be read. */
export type BackupFinding =
  | { state: "sound" }
  | { state: "damaged"; damage: string }
  | { state: "failed"; reason: string };

/** Reads every page of a database, or of a copy of it that is made first. Ends early when the signal aborts. */
export async function examine(
  task: Examination,
  { signal }: { signal?: AbortSignal } = {},
): Promise<BackupFinding> {
  if (signal?.aborted) return { state: "failed", reason: STOPPED };
  using worker = new JobWorker("examine", work);
  const stop = () => worker[Symbol.dispose]();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const finding = await worker.run({ ...task, applicationId: APPLICATION_ID });
    if (finding.state !== "damaged") return finding;
    return { ...finding, damage: damageText(finding.damage) };
  } catch (error) {
    return { state: "failed", reason: errorMessage(error) };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Runs in the worker: see worker.ts. */
async function work(
  sqlite: typeof import("node:sqlite"),
  { path, copyTo, at = "", applicationId }: Examination & { applicationId: number },
): Promise<BackupFinding> {
  const damageIn = (file: string, readOnly: boolean): string | undefined => {
    const db = new sqlite.DatabaseSync(file, { readOnly });
    try {
      db.exec("PRAGMA temp_store=MEMORY");
      // A copy is one file, without a log beside it.
      if (!readOnly) db.prepare("PRAGMA journal_mode=DELETE").get();
      const found = db.prepare("PRAGMA integrity_check(3)").all()
        .map((row) => String(row.integrity_check));
      return found[0] === "ok" ? undefined : found.join("; ");
    } catch (error) {
      // SQLITE_CORRUPT and SQLITE_NOTADB, with which a check of a badly damaged file ends.
      const code = Number((error as { errcode?: number }).errcode) & 0xff;
      if (code === 11 || code === 26) return (error as Error).message;
      throw error;
    } finally {
      db.close();
    }
  };
  const copy = async (to: string) => {
    const db = new sqlite.DatabaseSync(path, { readOnly: true });
    try {
      // All in one step, which sees one moment of the database: between two steps SQLite lets go of it, and begins
      // again with every commit of another connection, so that a copy in steps never ends while much is written.
      await sqlite.backup(db, to, { rate: 0x7fff_ffff });
    } finally {
      db.close();
    }
  };
  /** While the database was read, its log could only grow: it is moved into the database here, off the event loop. */
  const checkpoint = () => {
    const db = new sqlite.DatabaseSync(path, { timeout: 0 });
    try {
      db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
    } finally {
      db.close();
    }
  };
  /** Stores in the copy that it is not the newest state, and its number among the backups. */
  const mark = (file: string) => {
    const db = new sqlite.DatabaseSync(file);
    try {
      if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get()) return;
      db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('backup_of', ?)").run(at);
      const number = db.prepare("SELECT value FROM meta WHERE key = 'backups'").get()?.value;
      db.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${Number(number ?? 1)}`);
    } finally {
      db.close();
    }
  };

  if (copyTo !== undefined) await copy(copyTo);
  const copyDamage = copyTo === undefined ? undefined : damageIn(copyTo, false);
  // A sound copy has shown every page of the database to be sound.
  if (copyTo !== undefined && copyDamage === undefined) {
    mark(copyTo);
  } else {
    const damage = damageIn(path, true);
    if (damage !== undefined) return { state: "damaged", damage };
    if (copyDamage !== undefined) {
      return { state: "failed", reason: `the copy is damaged (${copyDamage})` };
    }
  }
  checkpoint();
  return { state: "sound" };
}
