/** The warning about a repair, shown for a week: the user may not look every day. @module */
import { msOf, type Warnings } from "../../core/mod.ts";
import type { Store } from "../store.ts";
import type { Repair } from "./journal.ts";

const REMIND_MS = 7 * 24 * 60 * 60_000;
const REPAIR = "repair";

/** The last repair, as the database remembers it. */
export function repairOf(store: Store): Repair | undefined {
  const kept = store.meta(REPAIR);
  return kept === undefined ? undefined : JSON.parse(kept); // only written here
}

/** Called inside `write`. */
export function rememberRepair(store: Store, repair: Repair): void {
  store.setMeta(REPAIR, JSON.stringify(repair));
}

/** Raises the warning of a repair that is less than a week old. */
export function warnOfRepair(
  store: Store,
  { warnings, now }: { warnings: Warnings; now: number },
): void {
  const repair = repairOf(store);
  if (repair && now - msOf(repair.at) < REMIND_MS) {
    warnings.raise("database-restored", describeRepair(repair));
  }
}

function describeRepair(repair: Repair): string {
  const { damage, displaced, movedTo, restoredFrom, kept, at, unfinished, saved } = repair;
  if (kept) return `${damage}: what was recorded last before ${at} may be missing.`;
  const missing = movedTo === undefined
    ? "is missing"
    : unfinished || saved === undefined
    ? "is missing, as far as it cannot still be read"
    : `is missing but for ${saved === 1 ? "one row" : `${saved} rows`} that could still be read`;
  const outcome = restoredFrom
    ? `the backup of ${restoredFrom} was restored: what was recorded between then and ${at} ${missing}`
    : `there was no good backup, so a new database was created: what was recorded before ${at} ${missing}`;
  const where = movedTo === undefined ? "" : ` The damaged file is kept as ${movedTo}.`;
  const what = displaced ? damage : `The database was damaged (${damage})`;
  return `${what}; ${outcome}.${where}`;
}
