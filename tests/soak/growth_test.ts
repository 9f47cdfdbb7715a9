/** That the rules of the soak notice what grows, and take nothing for growth that is none. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { tempDir } from "../support/temp.ts";
import { growthRules } from "./growth.ts";
import type { LifeRecord, Sample } from "./watch.ts";

/** A life of some minutes, looked at twice a second. */
function life(ownMbAt: (ageMs: number) => number, { walMb = 1, minutes = 6 } = {}): LifeRecord {
  const samples = Array.from({ length: minutes * 120 }, (_, n): Sample => {
    const ageMs = n * 500;
    return { ageMs, ownMb: ownMbAt(ageMs), rssMb: 90, walMb };
  });
  return { startMs: 300, samples, stalls: [], longestMs: 0, timers: 1_000 };
}

/** As the garbage collector has it: up and down, and high at the start. */
const flat = (ageMs: number) => 30 + ageMs % 7_000 / 1_000 + (ageMs < 5_000 ? 12 : 0);

/** A worker that lives for half a minute, then a heap that stays larger until its next collection. */
const stepped = (ageMs: number) =>
  flat(ageMs) + (ageMs > 30_000 && ageMs < 62_000 ? 30 : 0) + (ageMs > 70_000 ? 18 : 0);

const grown: Readonly<Record<string, { lives?: LifeRecord[]; files?: (dir: string) => void }>> = {
  "memory grown within a life": { lives: [life(flat), life((ageMs) => 30 + ageMs / 9_000)] },
  "memory grown across": {
    lives: Array.from({ length: 8 }, (_, n) => life((ageMs) => flat(ageMs) + 2 * n)),
  },
  "write-ahead log": { lives: [life(flat), life(flat, { walMb: 30 })] },
  "database, of which used": {
    files: (dir) => {
      const db = new DatabaseSync(`${dir}/clockblock.db`);
      const pages = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)";
      db.exec(`INSERT INTO notes ${pages} SELECT hex(randomblob(2000)) FROM n; DELETE FROM notes`);
      db.close();
    },
  },
  "logs": { files: (dir) => Deno.truncateSync(`${dir}/logs/clockblock.log`, 15_000_000) },
  "backups": {
    files: (dir) => {
      for (let n = 0; n < 4; n++) Deno.writeTextFileSync(`${dir}/backups/${n}.db`, "");
    },
  },
};

Deno.test("growthRules are met by lives that stay as they are", () => {
  const rules = rulesOf({ lives: Array.from({ length: 8 }, () => life(flat)) });
  assert.deepEqual(rules.filter(({ met }) => !met), []);
  assert.equal(rules.length, Object.keys(grown).length);
});

Deno.test("growthRules take no step up for growth, where the life has been as high before", () => {
  const rules = rulesOf({ lives: [life(flat), life(stepped)] });
  assert.deepEqual(rules.filter(({ met }) => !met), []);
});

Deno.test("growthRules take lives that start with more to do, and short ones that climb, for no growth", () => {
  const lives = [0, 0, 25, 0, 8, 25, 0, 0, 25, 8, 20, 0, 25, 8].map((more) =>
    life((ageMs) => flat(ageMs) + more + ageMs / 3_000, { minutes: 2 })
  );
  const rules = rulesOf({ lives });
  assert.deepEqual(rules.filter(({ met }) => !met), []);
  assert.equal(rules[0]!.value, "not measured", "no life was long enough to tell");
});

for (const [what, { lives, files }] of Object.entries(grown)) {
  Deno.test(`growthRules notice growth of: ${what}`, () => {
    const exceeded = rulesOf({ lives, files }).filter(({ met }) => !met);
    assert.equal(exceeded.length, 1, JSON.stringify(exceeded));
    assert.ok(exceeded[0]!.what.startsWith(what), exceeded[0]!.what);
  });
}

function rulesOf(
  { lives = [life(flat), life(flat)], files = () => {} }: {
    lives?: LifeRecord[] | undefined;
    files?: ((dir: string) => void) | undefined;
  },
) {
  using dir = tempDir();
  const database = `${dir.path}/clockblock.db`;
  const db = new DatabaseSync(database);
  db.exec("CREATE TABLE notes (text TEXT)");
  db.close();
  for (const folder of ["logs", "backups"]) Deno.mkdirSync(`${dir.path}/${folder}`);
  Deno.writeTextFileSync(`${dir.path}/logs/clockblock.log`, "");
  files(dir.path);
  return growthRules(lives, { dir: dir.path, database });
}
