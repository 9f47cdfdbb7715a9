/**
 * Backups: a copy is made under another name, every page of it is checked, and only then does it get its
 * name. So what has the name of a backup is a good one, of a database that was sound.
 * @module
 */
import { type Clock, dayAt, instantOf, systemClock } from "../../core/mod.ts";
import { backupFolder, backupPath, listBackups, readableBackups } from "./backups.ts";
import { discardLarge, statOf } from "../files.ts";
import { refuseForeignFile } from "../recovery/ownership.ts";
import { checkPath, fileFailure } from "../database_path.ts";
import type { Store } from "../store.ts";
import { StoreError } from "../store_error.ts";
import { examine, type Finding } from "./examine.ts";

/** How many daily backups are kept. */
const KEPT = 3;

/** The number of the newest backup, in the database and so in each backup. */
const NUMBER = "backups";
/** Hours that the agent has run since then. */
const HOURS = "backup_hours";

/** Every day by the clock and, where that stands still or is set back again and again, every so many hours of work. */
const DUE_AFTER_HOURS = 24;
const HOUR_MS = 60 * 60_000;

export interface BackupOptions {
  signal?: AbortSignal;
  clock?: Clock;
}

/**
 * Backs a database up to a file of the user's choice. It may be in use, by this process or another.
 * @throws {StoreError} when there is something at `target` already, it cannot be written, or the database is damaged
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

/** When the next daily backup is due, and making it. */
export class DailyBackup {
  readonly #store: Store;
  readonly #clock: Clock;
  #lookedMs: number;
  #hours: number;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#hours = Number(store.meta(HOURS) ?? 0);
    this.#lookedMs = clock.monotonic();
  }

  /** Whether the clock shows a day that no backup is of, or a day's work has none. Counts the time since the last look. */
  async due(): Promise<boolean> {
    const store = this.#store;
    const now = this.#clock.monotonic();
    await this.#setHours(this.#hours + (now - this.#lookedMs) / HOUR_MS);
    this.#lookedMs = now;
    const today = dayAt(this.#clock.now());
    return this.#hours >= DUE_AFTER_HOURS ||
      readableBackups(store.path).every(({ day }) => day !== today);
  }

  /** Makes the backup and removes the oldest ones. What it found of the database, since it reads it whole. */
  async make({ signal }: { signal?: AbortSignal } = {}): Promise<Finding> {
    const store = this.#store;
    const clock = this.#clock;
    try {
      Deno.mkdirSync(backupFolder(store.path), { recursive: true });
      // Those in the folder count, too: an older one may have taken the database's place.
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
        for (const { path: old } of listBackups(store.path).slice(KEPT)) await discardLarge(old);
      }
      return finding;
    } catch (error) {
      return { state: "failed", reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #setHours(hours: number): Promise<void> {
    this.#hours = hours;
    // A disk that is full has its own warning, and must not keep retention from making room.
    await this.#store.write(() => this.#store.setMeta(HOURS, String(hours))).catch(() => {});
  }
}

async function copyChecked(
  path: string,
  target: string,
  { clock = systemClock, ...options }: BackupOptions,
): Promise<Finding> {
  const part = `${target}.part`;
  // One that a crash left behind.
  await discardLarge(part);
  try {
    // Whether the place can be written is told more clearly by the system.
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
