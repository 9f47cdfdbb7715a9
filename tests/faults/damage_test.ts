/**
 * Damaged databases, hundreds of them: cut, with flipped bits, without their log. Whatever happens the agent opens,
 * says so, and has all that can be had.
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { type Agent, migrations, openAgent } from "../../src/agent.ts";
import { Warnings } from "../../src/core/mod.ts";
import { findDamage, noteSuspicion } from "../../src/store/mod.ts";
import {
  configIn,
  type Contents,
  contentsOf,
  flipBits,
  flush,
  type LivedIn,
  liveIn,
  overwrite,
  randomFrom,
} from "../support/fakes/damage.ts";
import { tempDir } from "../support/temp.ts";

/** So many seeds for each kind of damage; `CLOCKBLOCK_DAMAGE_SEEDS=100` takes a minute. */
const SEEDS = Number(Deno.env.get("CLOCKBLOCK_DAMAGE_SEEDS") ?? 8);
const PAGE = 4096;
/** The roots of tables and indexes, which come first, and the pages that hold little yet. */
const FIRST_PAGES = 100;
/** Days and quarters of hours too: where their pages are lost, the heartbeats say what they were. */
const KEPT_WHOLE = [
  "heartbeats",
  "local_events",
  "device_logs",
  "sync_queue",
  "daily_rollups",
  "usage_slots",
];
/** The most rows that lie on one page of the tables that only grow. */
const ROWS_ON_A_PAGE = 60;

const home = tempDir();
let lived: LivedIn;

Deno.test.beforeAll(async () => {
  lived = await liveIn(home.path);
});
Deno.test.afterAll(() => home[Symbol.dispose]());

/** A copy of the database to break, and the agent that is started on it. */
async function broken(
  damage: (path: string) => void,
  { backups = true }: { backups?: boolean } = {},
): Promise<Revived> {
  using dir = tempDir();
  copyFiles(home.path, dir.path, backups);
  damage(`${dir.path}/clockblock.db`);
  return await revive(dir.path, lived);
}

Deno.test("openAgent opens a sound database as it was", async () => {
  const { contents, warnings } = await broken(() => {});
  assert.deepEqual(contents, lived.all);
  assert.deepEqual(warnings, []);
});

for (const backups of [true, false]) {
  const where = backups ? "with a backup" : "without a backup";
  Deno.test(`A damaged database cut anywhere gives what is left of it, ${where}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomFrom(seed);
      let left = 0;
      const revived = await broken((path) => {
        left = Math.floor(random() * Deno.statSync(path).size);
        Deno.truncateSync(path, left);
        // The log has the newest pages: without it, all that is behind the cut is gone.
        if (seed % 2 === 0) Deno.removeSync(`${path}-wal`);
      }, { backups });
      const at = `seed ${seed}, ${left} bytes left, ${where}`;
      revived.assertSound(at);
      // Where the log has all that was cut off, nothing is missing.
      if (!revived.repaired) assert.deepEqual(revived.contents, lived.all, at);
      else revived.assertSaid(at);
      if (backups) revived.assertHas(lived.backedUp, at);
      const read = Math.floor(left / PAGE) - FIRST_PAGES;
      const found = revived.contents.heartbeats!.size + revived.contents.local_events!.size;
      assert.ok(found > read * 5, `${at}: ${found} rows`);
    }
  });
}

Deno.test("A damaged database with flipped bits loses no more than the rows of their pages", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomFrom(1_000 + seed);
    let bits: number[] = [];
    const revived = await broken((path) => {
      const size = 8 * Deno.statSync(path).size;
      bits = Array.from({ length: 1 + seed % 4 }, () => Math.floor(random() * size));
      // Some where they do the most harm: header, schema, list of parents.
      if (seed % 3 === 0) bits.push(Math.floor(random() * 8 * 3 * PAGE));
      flipBits(path, bits);
    });
    const at = `seed ${seed}, bits ${bits}`;
    revived.assertSound(at);
    revived.assertLost({ atMost: bits.length * ROWS_ON_A_PAGE, at });
    if (revived.repaired) revived.assertHas(lived.backedUp, at);
  }
});

Deno.test("A damaged database whose log has flipped bits loses no more than the rows of their pages", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomFrom(2_000 + seed);
    let bits: number[] = [];
    const revived = await broken((path) => {
      const size = 8 * Deno.statSync(`${path}-wal`).size;
      bits = Array.from({ length: 1 + seed % 3 }, () => Math.floor(random() * size));
      if (seed % 5 === 0) bits.push(Math.floor(random() * 8 * 32));
      flipBits(`${path}-wal`, bits);
    });
    const at = `seed ${seed}, bits ${bits}`;
    revived.assertSound(at);
    revived.assertLost({ atMost: bits.length * ROWS_ON_A_PAGE, at });
    revived.assertHas(lived.backedUp, at);
  }
});

const wholes: Readonly<Record<string, (path: string) => void>> = {
  "its first page": (path) => overwrite(path, 0, new Uint8Array(PAGE)),
  "the list of parents": (path) => overwrite(path, PAGE, new Uint8Array(PAGE).fill(0x5a)),
  "every inner page": (path) => wipePages(path, (type) => type === 5 || type === 2),
  "every index": (path) => wipePages(path, (type) => type === 10),
};
for (const [what, wipe] of Object.entries(wholes)) {
  Deno.test(`A damaged database that lost ${what} keeps every event, heartbeat and day`, async () => {
    for (const backups of [true, false]) {
      const { contents } = await broken((path) => {
        flush(path);
        wipe(path);
      }, { backups });
      for (const table of KEPT_WHOLE) {
        assert.deepEqual(contents[table], lived.all[table], `${table}, backups: ${backups}`);
      }
    }
  });
}

Deno.test("A damaged database that was cut within a row and grew again gives no half rows", async () => {
  const newest = lived.all.heartbeats!.values().toArray().at(-1)!.split(" ")[2]!;
  const { contents } = await broken((path) => {
    flush(path);
    const bytes = Deno.readFileSync(path);
    const at = new TextDecoder("latin1").decode(bytes).lastIndexOf(newest);
    assert.ok(at > 0);
    // Within the time of a heartbeat, which is still one as far as Date.parse goes.
    bytes.fill(0, at + 10, Math.ceil(at / PAGE) * PAGE);
    Deno.writeFileSync(path, bytes);
    noteSuspicion(path, "cut and grown");
  }, { backups: false });
  const strange = [...contents.heartbeats!].filter((id) => !lived.all.heartbeats!.has(id));
  assert.deepEqual(strange, []);
});

Deno.test("A damaged database without its log says so, and goes on with numbers that nobody has seen", async () => {
  const revived = await broken((path) => {
    Deno.removeSync(`${path}-wal`);
    Deno.writeTextFileSync(`${path}.holder`, "{}");
  });
  revived.assertSound("no log");
  assert.match(revived.warnings[0] ?? "", /write-ahead log is gone/);
  assert.ok(revived.nextSeq > lived.lastSeq, `${revived.nextSeq}`);
});

Deno.test("A damaged database without its shared memory is whole", async () => {
  const { contents, warnings } = await broken((path) => {
    Deno.writeTextFileSync(`${path}-shm`, "not what it should be");
  });
  assert.deepEqual(contents, lived.all);
  assert.deepEqual(warnings, []);
});

Deno.test("A damaged database that is gone, emptied or another text comes back from the backup and the log", async () => {
  for (
    const damage of [
      (path: string) => Deno.removeSync(path),
      (path: string) => Deno.truncateSync(path),
      (path: string) => Deno.writeTextFileSync(path, "Dear diary, ".repeat(1_000)),
    ]
  ) {
    const revived = await broken(damage);
    revived.assertSound(String(damage));
    revived.assertSaid(String(damage));
    revived.assertHas(lived.backedUp, String(damage));
    assert.ok(revived.contents.heartbeats!.size > lived.backedUp.heartbeats!.size);
  }
});

Deno.test("A backup that was put in the place of the database by hand is known, and numbers go on beyond it", async () => {
  const revived = await broken((path) => {
    Deno.removeSync(`${path}-wal`);
    Deno.copyFileSync(`${dirname(path)}/backups/clockblock-2026-03-04.db`, path);
  });
  revived.assertSound("by hand");
  assert.match(revived.warnings[0] ?? "", /^The backup of .+ was put in the place .+ by hand/);
  revived.assertHas(lived.backedUp, "by hand");
  assert.ok(revived.nextSeq > lived.lastSeq, `${revived.nextSeq}`);
});

Deno.test("A damaged database whose backups are damaged too gives what is left of it", async () => {
  const revived = await broken((path) => {
    for (const { name } of Deno.readDirSync(`${dirname(path)}/backups`)) {
      Deno.truncateSync(`${dirname(path)}/backups/${name}`, 50_000);
    }
    flush(path);
    overwrite(path, 0, new Uint8Array(PAGE));
  });
  revived.assertSound("backups");
  assert.match(revived.warnings[0] ?? "", /there was no good backup/);
  assert.deepEqual(revived.contents.local_events, lived.all.local_events);
});

interface Revived {
  contents: Contents;
  warnings: readonly string[];
  repaired: boolean;
  /** The number that the next event gets. */
  nextSeq: number;
  assertSound(at: string): void;
  assertSaid(at: string): void;
  assertHas(wanted: Contents, at: string): void;
  assertLost(options: { atMost: number; at: string }): void;
}

/** Starts the agent on what lies in a folder, as often as its own checks would make it. */
async function revive(dir: string, { clock, all }: LivedIn): Promise<Revived> {
  const config = configIn(dir);
  const open = async () => {
    const warnings = new Warnings({ clock });
    return { warnings, agent: await openAgent(config, { clock, warnings }) };
  };
  let { agent, warnings } = await open();
  // What a minute after the start the check in the background finds.
  const damage = findDamage(config.db_path, { migrations, thoroughly: true });
  if (damage !== undefined) {
    agent.close();
    noteSuspicion(config.db_path, damage);
    ({ agent, warnings } = await open());
  }
  try {
    const contents = contentsOf(agent);
    const messages = warnings.list().map(({ message }) => message);
    const integrity = agent.store.db.prepare("PRAGMA integrity_check").get()?.integrity_check;
    const ids = agent.store.db.prepare("SELECT count(DISTINCT id) AS n FROM heartbeats").get()?.n;
    const nextSeq = await seqOfNextEvent(agent, dir);
    return {
      contents,
      warnings: messages,
      repaired: agent.store.meta("repair") !== undefined,
      nextSeq,
      assertSound(at) {
        assert.equal(integrity, "ok", at);
        assert.equal(ids, contents.heartbeats!.size, `${at}: a heartbeat is there twice`);
        assert.ok(nextSeq > Math.max(0, ...seqsOf(contents)), `${at}: seq ${nextSeq}`);
      },
      assertSaid(at) {
        assert.match(messages.join(), /^The database was damaged/, at);
        assert.ok(nextSeq > Math.max(...seqsOf(all)), `${at}: ${nextSeq} may be known already`);
      },
      assertHas(wanted, at) {
        for (const table of ["heartbeats", "local_events", "device_logs"]) {
          const lost = [...wanted[table]!].filter((id) => !contents[table]!.has(id));
          assert.deepEqual(lost.slice(0, 3), [], `${at}: ${lost.length} of ${table}`);
        }
      },
      assertLost({ atMost, at }) {
        for (const table of ["heartbeats", "local_events", "device_logs", "records"]) {
          const lost = [...all[table]!].filter((id) => !contents[table]!.has(id)).length;
          assert.ok(lost <= atMost, `${at}: ${lost} of ${table} lost, ${atMost} may be`);
        }
      },
    };
  } finally {
    agent.close();
  }
}

async function seqOfNextEvent(agent: Agent, dir: string): Promise<number> {
  const response = await agent.fetch(
    new Request("http://127.0.0.1:3841/local/events", {
      method: "POST",
      headers: {
        host: "127.0.0.1:3841",
        authorization: `Bearer ${Deno.readTextFileSync(`${dir}/api-token`).trim()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ mode: "live", source: "test", type: "t", subtype: "s", body: "new" }),
    }),
  );
  assert.equal(response.status, 200);
  return (await response.json()).accepted[0].seq;
}

function seqsOf({ local_events }: Contents): number[] {
  return [...local_events!].map((id) => Number(id.split(" ")[1]));
}

function copyFiles(from: string, to: string, backups: boolean): void {
  for (const name of ["clockblock.db", "clockblock.db-wal", "api-token"]) {
    Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
  if (!backups) return;
  Deno.mkdirSync(`${to}/backups`);
  for (const { name } of Deno.readDirSync(`${from}/backups`)) {
    Deno.copyFileSync(`${from}/backups/${name}`, `${to}/backups/${name}`);
  }
}

/** Overwrites all pages of a type but the first. */
function wipePages(path: string, wipes: (type: number) => boolean): void {
  const bytes = Deno.readFileSync(path);
  for (let at = PAGE; at < bytes.length; at += PAGE) {
    if (wipes(bytes[at]!)) bytes.fill(0x5a, at, at + PAGE);
  }
  Deno.writeFileSync(path, bytes);
}
