/**
 * Work that reads the whole database, off the event loop: checking it and copying it. The worker is made from
 * the text of a function below, because a module of its own would have to be embedded in the executable.
 * @module
 */
import type { Instant } from "../core/mod.ts";
import { APPLICATION_ID } from "./recovery/header.ts";
import { damageText } from "./store_error.ts";

/** What the worker is asked. */
export interface Examination {
  path: string;
  /** Where to make a copy; without it the database itself is checked. */
  copyTo?: string;
  /** When the copy is made, which it is to know. */
  at?: Instant;
}

/** What it found: `damage` of the database, or why it could not tell. */
export type Finding =
  | { state: "sound" }
  | { state: "damaged"; damage: string }
  | { state: "failed"; reason: string };

/** Reads every page of a database, or of a copy of it that is made first. Ends early when the signal aborts. */
export async function examine(
  task: Examination,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Finding> {
  if (signal?.aborted) return STOPPED;
  const worker = new Worker(SOURCE, { type: "module", name: "database" });
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const stop = () => resolve(STOPPED);
  signal?.addEventListener("abort", stop, { once: true });
  worker.onmessage = ({ data }: MessageEvent<Finding>) =>
    resolve(data.state === "damaged" ? { ...data, damage: damageText(data.damage) } : data);
  worker.onerror = (event) => {
    event.preventDefault();
    resolve({ state: "failed", reason: event.message });
  };
  worker.postMessage(task);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", stop);
    worker.terminate();
  }
}

const STOPPED: Finding = { state: "failed", reason: "the agent stops" };

const SOURCE = `data:application/javascript,${
  encodeURIComponent(
    `import * as sqlite from "node:sqlite";(${work})(sqlite, self, ${APPLICATION_ID});`,
  )
}`;

/** The side of the worker that the function below sees. */
interface WorkerSide {
  onmessage: ((event: MessageEvent<Examination>) => void) | null;
  postMessage(finding: Finding): void;
}

/** Runs in the worker, so it uses nothing but its arguments. */
function work(
  sqlite: typeof import("node:sqlite"),
  side: WorkerSide,
  applicationId: number,
): void {
  const damageIn = (path: string, readOnly: boolean): string | undefined => {
    const db = new sqlite.DatabaseSync(path, { readOnly });
    try {
      db.exec("PRAGMA temp_store=MEMORY");
      // A copy is to be one file, without a log beside it.
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
  const copy = async (from: string, to: string) => {
    const db = new sqlite.DatabaseSync(from, { readOnly: true });
    try {
      // All in one step, which sees one moment of the database: between two steps SQLite lets go of it, and begins
      // again with every commit of another connection, so that a copy in steps never ends while much is written.
      await sqlite.backup(db, to, { rate: 0x7fff_ffff });
    } finally {
      db.close();
    }
  };
  /** While the database was read, its log could only grow: move it on here rather than on the event loop. */
  const checkpoint = (path: string) => {
    const db = new sqlite.DatabaseSync(path, { timeout: 0 });
    try {
      db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
    } finally {
      db.close();
    }
  };
  /** Whoever opens the copy has to know that it is not the newest state, and which of several is the newest. */
  const mark = (path: string, at: string) => {
    const db = new sqlite.DatabaseSync(path);
    try {
      if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get()) return;
      db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('backup_of', ?)").run(at);
      const number = db.prepare("SELECT value FROM meta WHERE key = 'backups'").get()?.value;
      db.exec(`PRAGMA application_id=${applicationId}; PRAGMA user_version=${Number(number ?? 1)}`);
    } finally {
      db.close();
    }
  };
  const findingOf = async ({ path, copyTo, at = "" }: Examination): Promise<Finding> => {
    if (copyTo !== undefined) await copy(path, copyTo);
    const copyDamage = copyTo === undefined ? undefined : damageIn(copyTo, false);
    // A sound copy has shown every page of the database to be sound.
    if (copyTo !== undefined && copyDamage === undefined) {
      mark(copyTo, at);
      return { state: "sound" };
    }
    const damage = damageIn(path, true);
    if (damage !== undefined) return { state: "damaged", damage };
    if (copyDamage === undefined) return { state: "sound" };
    return { state: "failed", reason: `the copy is damaged (${copyDamage})` };
  };
  side.onmessage = async ({ data }) => {
    try {
      const finding = await findingOf(data);
      if (finding.state === "sound") checkpoint(data.path);
      side.postMessage(finding);
    } catch (error) {
      side.postMessage({ state: "failed", reason: (error as Error).message });
    }
  };
}
