/**
 * Databases that were moved aside: damaged ones (`.corrupt-<time>-<n>`) and what deleted ones held
 * (`.deleted-<time>-<n>`). The highest number is the newest, whatever the clock showed; the newest three are kept.
 * @module
 */
import { basename, dirname, join } from "node:path";
import { logger } from "../../core/mod.ts";
import { discard, fileTime, isFile } from "../files.ts";

/** Each is as large as the database. */
const MAX_KEPT = 3;

/** The database and what belongs to it. */
const SUFFIXES = ["", "-wal", "-shm"];

type Aside = "corrupt" | "deleted";

/** Whether there is anything to move. */
export function isAnythingAt(path: string): boolean {
  return SUFFIXES.some((suffix) => isFile(path + suffix));
}

/** Renames the database and its log, so that they are still found together. */
export function moveAside(path: string, moved: string): void {
  for (const suffix of SUFFIXES) {
    if (isFile(path + suffix)) Deno.renameSync(path + suffix, moved + suffix);
  }
}

/** The damaged databases that are kept, and what deleted ones held. */
export function damagedFiles(path: string): string[] {
  return [...asideFiles(path, "corrupt"), ...asideFiles(path, "deleted")];
}

/** Has `copy` write what a deleted database held; returns where it lies. */
export async function keepDeleted(
  path: string,
  { now, copy }: { now: number; copy: (to: string) => Promise<unknown> },
): Promise<string> {
  const kept = asidePath(path, "deleted", now);
  pruneAside(path, "deleted");
  try {
    await copy(`${kept}.part`);
    Deno.renameSync(`${kept}.part`, kept);
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) discard(`${kept}.part${suffix}`);
  }
  return kept;
}

/** The path for what is moved aside now. */
export function asidePath(path: string, why: Aside, now: number): string {
  const number = 1 + Math.max(0, ...asideFiles(path, why).map(numberOf));
  return `${path}.${why}-${fileTime(now)}-${number}`;
}

function numberOf(aside: string): number {
  return Number(/Z-(\d+)$/.exec(aside)?.[1] ?? 0);
}

/** Newest first: the names without what belongs to them. */
function asideFiles(path: string, why: Aside): string[] {
  const prefix = `${basename(path)}.${why}-`;
  const names = [...Deno.readDirSync(dirname(path))].map(({ name }) => name)
    .filter((name) => name.startsWith(prefix) && !name.endsWith(".part"))
    .map((name) => join(dirname(path), name.replace(/-(wal|shm)$/, "")));
  return [...new Set(names)]
    .sort((one, other) => numberOf(other) - numberOf(one) || (one < other ? 1 : -1));
}

/** Makes room for one more. */
export function pruneAside(path: string, why: Aside): void {
  for (const old of asideFiles(path, why).slice(MAX_KEPT - 1)) {
    logger("store").warn("Removing {old}: the newest {kept} are kept", { old, kept: MAX_KEPT });
    for (const suffix of SUFFIXES) discard(old + suffix);
  }
}
