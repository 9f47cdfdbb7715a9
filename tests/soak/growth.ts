/**
 * Whether memory and files stay as they are, by rules that say what is growth and what is not:
 *
 *     memory in a life      the median of its last third is at most 8 MB above what the first two thirds came to
 *                           (their 90th percentile); lives of five minutes and more
 *     memory across lives   at most 8 MB from the first to the last at the same age, along the median of the slopes
 *                           between any two of them (Theil and Sen's line)
 *     write-ahead log       never more than 24 MB: 16 MB are kept by design, the rest is on its way
 *     database              at most 1.3 times what a copy without free pages takes
 *     other files           logs at most 6 × 2 MB (+ what is being written), backups at most three
 *
 * Memory is the process's own (RssAnon): the runtime's file is shared and counted by how much of it was read. Under
 * load it climbs for some minutes to what it then keeps to, and goes up and down by 30 MB within one, as V8 collects
 * garbage and workers come and go. A start with much that waits takes 25 MB more than one with nothing.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { LifeRecord } from "./watch.ts";

const MEMORY_MB = 8;
const WAL_MB = 24;
const DATABASE_TIMES = 1.3;
const LOGS_MB = 14;
const BACKUPS = 3;
/** In a shorter life memory still climbs. */
const LONG_LIFE_MS = 300_000;
/** The age at which lives are compared. */
const SAME_AGE_MS = [2_000, 8_000] as const;

export interface Rule {
  what: string;
  value: string;
  limit: string;
  met: boolean;
}

export function growthRules(
  lives: readonly LifeRecord[],
  { dir, database }: { dir: string; database: string },
): Rule[] {
  const long = lives.filter(({ samples }) => (samples.at(-1)?.ageMs ?? 0) >= LONG_LIFE_MS);
  const within = Math.max(0, ...long.map(growthWithin));
  const young = lives.map(({ samples }) =>
    samples.filter(({ ageMs }) => ageMs >= SAME_AGE_MS[0] && ageMs < SAME_AGE_MS[1])
  ).filter((samples) => samples.length > 0)
    .map((samples) => quantile(samples.map(({ ownMb }) => ownMb), 0.5));
  const across = medianSlope(young) * (young.length - 1);
  const walMb = Math.max(0, ...lives.flatMap(({ samples }) => samples.map((each) => each.walMb)));
  const { fileMb, usedMb } = sizesOf(database);
  const logsMb = folderMb(`${dir}/logs`);
  const backups = names(`${dir}/backups`).filter((name) => name.endsWith(".db")).length;
  const mb = (value: number) => `${value.toFixed(1)} MB`;
  const rule = (what: string, value: number, limit: number): Rule => ({
    what,
    value: mb(value),
    limit: mb(limit),
    met: value <= limit,
  });
  return [
    {
      ...rule(`memory grown within a life (${long.length} long ones)`, within, MEMORY_MB),
      ...long.length === 0 && { value: "not measured" },
    },
    rule(`memory grown across ${young.length} lives`, Math.max(0, across), MEMORY_MB),
    rule("write-ahead log, largest", walMb, WAL_MB),
    rule("database, of which used", fileMb, Math.max(1, usedMb * DATABASE_TIMES)),
    rule("logs", logsMb, LOGS_MB),
    {
      what: "backups",
      value: String(backups),
      limit: String(BACKUPS),
      met: backups <= BACKUPS,
    },
  ];
}

/** How much higher a life's last third lies than what it came to before. */
function growthWithin({ samples }: Pick<LifeRecord, "samples">): number {
  const own = samples.map((sample) => sample.ownMb);
  const third = Math.floor(own.length / 3);
  return quantile(own.slice(-third), 0.5) - quantile(own.slice(0, -third), 0.9);
}

/** The median of the slopes between any two of the values, a step apart each; one that is far off moves it little. */
function medianSlope(values: readonly number[]): number {
  return quantile(
    values.flatMap((first, at) =>
      values.slice(at + 1).map((later, gap) => (later - first) / (gap + 1))
    ),
    0.5,
  );
}

/** 0 of nothing. */
function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;
}

function sizesOf(database: string): { fileMb: number; usedMb: number } {
  const db = new DatabaseSync(database, { readOnly: true });
  const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0]);
  const pageMb = pragma("page_size") / 1e6;
  const used = pragma("page_count") - pragma("freelist_count");
  db.close();
  return { fileMb: Deno.statSync(database).size / 1e6, usedMb: used * pageMb };
}

function folderMb(path: string): number {
  return names(path).reduce((sum, name) => sum + Deno.statSync(`${path}/${name}`).size, 0) / 1e6;
}

function names(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch {
    // Nothing was written there.
    return [];
  }
}
