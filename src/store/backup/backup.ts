/**
 * Backups: a copy is made under a temporary name, every page of it is checked, and only then is it renamed. So a file
 * that has the name of a backup is a good one.
 * @module
 */
import { type Clock, dayAt, errorMessage, instantOf, systemClock } from "../../core/mod.ts";
import { backupFolder, backupPath, listBackups, readableBackups } from "./backups.ts";
import { discardLarge, statOf } from "../files.ts";
import { refuseForeignFile } from "../recovery/ownership.ts";
import { checkPath, fileFailure } from "../database_path.ts";
import type { Store } from "../store.ts";
import { StoreError } from "../store_error.ts";
import { type BackupFinding, examine } from "./examine.ts";

/** Daily backups that are kept. */
const MAX_KEPT = 3;

/** The number of the newest backup, in the database and so in each backup. */
const NUMBER = "backups";
/** Running time of the agent since then, in hours. */
const HOURS = "backup_hours";

/** Running time after which a backup is due even though the clock still shows the same day. */
const DUE_AFTER_HOURS = 24;
const HOUR_MS = 60 * 60_000;

export interface BackupOptions {
  signal?: AbortSignal;
  clock?: Clock;
}

/**
 * Backs a database up to a new file. It may be in use, by this process or another.
 * @throws {StoreError} when `target` exists, it cannot be written, or the database is damaged
 */
export async function backupTo(
  database: { readonly path: string },
  target: string,
  options: BackupOptions = {},
): Promise<void> {
  refuseForeignFile(database.path);
  checkPath(target);
  if (statOf(target)) {
    throw new StoreError(
      "cannot-open",
      `Cannot back up to "${target}": there is a file already. Choose another name.`,
    );
  }
  const finding = await copyChecked(database.path, target, options);
  if (finding.state === "sound") return;
  throw finding.state === "damaged"
    ? new StoreError(
      "corrupt",
      `Cannot back up "${database.path}": it is damaged (${finding.damage}). Restart the agent to repair it.`,
    )
    : new StoreError("other", `Cannot back up to "${target}": ${finding.reason}.`);
}

/** The daily backups of a store. */
export class DailyBackup {
  readonly #store: Store;
  readonly #clock: Clock;
  #checkedMs: number;
  #hours: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#hours = Number(store.meta(HOURS) ?? 0);
    this.#checkedMs = clock.monotonic();
  }

  /** Whether no backup is of today, or the agent has run for 24 hours since the last one. Counts the time since the last call. */
  async due(): Promise<boolean> {
    const store = this.#store;
    const now = this.#clock.monotonic();
    await this.#setHours(this.#hours + (now - this.#checkedMs) / HOUR_MS);
    this.#checkedMs = now;
    const today = dayAt(this.#clock.now());
    return this.#hours >= DUE_AFTER_HOURS ||
      readableBackups(store.path).every(({ day }) => day !== today);
  }

  /** Makes the backup and removes the oldest ones. Returns what it found of the database, all of which it reads. */
  async make({ signal }: { signal?: AbortSignal } = {}): Promise<BackupFinding> {
    const store = this.#store;
    const clock = this.#clock;
    try {
      Deno.mkdirSync(backupFolder(store.path), { recursive: true });
      // Those in the folder count too: the database may be a restored older one.
      const newest = Math.max(0, ...listBackups(store.path).map(({ number }) => number));
      const number = Math.max(newest, Number(store.meta(NUMBER) ?? 0)) + 1;
      await store.write(() => store.setMeta(NUMBER, String(number)));
      const target = backupPath(store.path, { day: dayAt(clock.now()), number });
      const finding = await copyChecked(store.path, target, {
        clock,
        ...(signal ? { signal } : {}),
      });
      if (finding.state === "sound") {
        await this.#setHours(0);
        for (const { path: old } of listBackups(store.path).slice(MAX_KEPT)) {
          await discardLarge(old);
        }
      }
      return finding;
    } catch (error) {
      return { state: "failed", reason: errorMessage(error) };
    }
  }

  async #setHours(hours: number): Promise<void> {
    this.#hours = hours;
    // A full disk has its own warning, and must not stop retention.
    await this.#store.write(() => this.#store.setMeta(HOURS, String(hours))).catch(() => {});
  }
}

async function copyChecked(
  path: string,
  target: string,
  { clock = systemClock, ...options }: BackupOptions,
): Promise<BackupFinding> {
  const part = `${target}.part`;
  // One that a crash left behind.
  await discardLarge(part);
  try {
    // The error of the system is clearer than that of SQLite.
    Deno.writeFileSync(part, new Uint8Array());
  } catch (error) {
    throw fileFailure(target, error) ?? error;
  }
  try {
    const finding = await examine({ path, copyTo: part, at: instantOf(clock.now()) }, options);
    if (finding.state === "sound") Deno.renameSync(part, target);
    return finding;
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) await discardLarge(part + suffix);
  }
}
