/**
 * The journal of a recovery: one file beside the database, `clockblock.db.repair`. Its `step` says what the next start has
 * to do, whenever the agent was interrupted; what each step means stands in recovery.ts.
 * @module
 */
import type { Instant } from "../../core/mod.ts";
import { isFile, removeIfThere, writeDurably } from "../files.ts";

export type Journal =
  /** Damage that opening does not show was found: check every page. */
  | { step: "suspected"; finding: string; repair?: Repair }
  /** The file was deleted, replaced or written over while it was open. */
  | { step: "displaced"; finding: string }
  /** Files are being moved. */
  | { step: "restoring"; repair: Repair }
  /** The files are in place; the database has not recorded the repair yet. */
  | { step: "restored"; repair: Repair };

/** What was done about a damaged database. Kept in the journal, then in the database's `meta`. */
export interface Repair {
  /** What is damaged, or a sentence on what became of the database while it was open. */
  damage: string;
  displaced?: true;
  /** Where the damaged file lies; absent when there was none. */
  movedTo?: string;
  /** When the backup that was restored was made; absent when there was no good one. */
  restoredFrom?: Instant;
  /** The database is sound and stays, though what was recorded last may be missing. */
  kept?: "but for the last";
  at: Instant;
  /** Until the salvage is complete. */
  unfinished?: true;
  /** Rows salvaged, and rows that could not be read. */
  saved?: number;
  unreadable?: number;
}

const JOURNAL = ".repair";
/** What versions up to 0.2.0 left: a file of text for each. */
const DISPLACED = ".displaced";
const SUSPECT = ".suspect";

export function writeJournal(path: string, journal: Journal): void {
  writeDurably(path + JOURNAL, JSON.stringify(journal));
}

export function readJournal(path: string): Journal | undefined {
  if (isFile(path + JOURNAL)) return parsed(Deno.readTextFileSync(path + JOURNAL));
  return olderNote(path);
}

export function removeJournal(path: string): void {
  const older = [path + DISPLACED, path + SUSPECT];
  for (const file of [`${path}${JOURNAL}.part`, ...older, path + JOURNAL]) {
    removeIfThere(file);
  }
}

/** Has the next start check every page. A repair that is under way is not forgotten. */
export function noteSuspicion(path: string, finding: string): void {
  const known = readJournal(path);
  // That step checks every page, too.
  if (known?.step === "displaced") return;
  writeJournal(path, { ...known, step: "suspected", finding });
}

/** Up to 0.2.0 this file held the repair alone: the step followed from which files there were. */
function parsed(text: string): Journal {
  try {
    const journal = JSON.parse(text) as Partial<Journal> & Partial<Repair>; // only written here
    if (journal.step !== undefined) return journal as Journal;
    const repair = journal as Repair;
    return { step: repair.kept ? "restored" : "restoring", repair };
  } catch {
    return { step: "suspected", finding: "the journal of a repair cannot be read" };
  }
}

function olderNote(path: string): Journal | undefined {
  const finding = (file: string) => isFile(file) ? Deno.readTextFileSync(file) : undefined;
  const displaced = finding(path + DISPLACED);
  if (displaced !== undefined) return { step: "displaced", finding: displaced };
  const suspected = finding(path + SUSPECT);
  return suspected === undefined ? undefined : { step: "suspected", finding: suspected };
}
