import assert from "node:assert/strict";
import { type Instant, instantOf, type Migration, msOf } from "../../../src/core/mod.ts";
import { retention, tableOutbox } from "../../../src/store/mod.ts";
import type { RetentionOptions } from "../../../src/store/outbox/retention.ts";
import { tempStore } from "../../support/temp.ts";

const NOW = "2026-03-31T12:00:00.000Z";
const DAY_MS = 86_400_000;

const beats: Migration = {
  name: "test-1-beats",
  sql: `
    CREATE TABLE beats (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
      pinned INTEGER NOT NULL DEFAULT 0, synced_at TEXT, rejected_at TEXT);
    CREATE INDEX beats_waiting ON beats (seq) WHERE synced_at IS NULL AND rejected_at IS NULL;
  `,
};

/** A row that the cloud has, unless it says otherwise. */
interface Beat {
  daysAgo: number;
  state?: "waits" | "rejected";
  pinned?: boolean;
}

/** A table of rows and what retention does to it. */
function bench(options: Partial<RetentionOptions> = {}) {
  const temp = tempStore([beats]);
  const { store } = temp;
  const outbox = tableOutbox(store, {
    stream: "playtime",
    table: "beats",
    remoteTable: "heartbeats",
    index: "beats_waiting",
    key: "seq",
    columns: ["at"],
    instant: "at",
  });
  const told: Instant[] = [];
  const prune = retention(store, {
    outbox,
    table: "beats",
    key: "seq",
    instant: "at",
    retentionDays: 10,
    unsyncedDays: 20,
    onDeleted: (newest) => told.push(newest),
    ...options,
  });
  let made = 0;
  return {
    outbox,
    told,
    async add(...rows: Beat[]) {
      await store.write(() => {
        const insert = store.db.prepare(
          "INSERT INTO beats (id, at, pinned, synced_at, rejected_at) VALUES (?, ?, ?, ?, ?)",
        );
        for (const { daysAgo, state, pinned = false } of rows) {
          const at = instantOf(msOf(NOW) - daysAgo * DAY_MS);
          const synced = state === undefined ? NOW : null;
          const rejected = state === "rejected" ? NOW : null;
          insert.run(`row ${++made}`, at, pinned ? 1 : 0, synced, rejected);
        }
        outbox.added(rows.filter(({ state }) => state === "waits").length);
      });
    },
    /** A pass that may look at so many pages in a slice. */
    async pass({ days = 0, pages = Infinity } = {}) {
      const now = instantOf(msOf(NOW) + days * DAY_MS);
      let looks = 0;
      return await store.write(() => prune(now, { left: () => ++looks < pages }));
    },
    /** How old the rows are that are left. */
    left: () =>
      store.db.prepare("SELECT at FROM beats ORDER BY seq").all()
        .map(({ at }) => (msOf(NOW) - msOf(String(at))) / DAY_MS),
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

function times<T>(count: number, row: T): T[] {
  return Array.from({ length: count }, () => row);
}

Deno.test("retention keeps what waits or was refused longer than what the cloud has", async () => {
  using beats = bench();
  for (const daysAgo of [25, 15, 5]) {
    await beats.add({ daysAgo }, { daysAgo, state: "waits" }, { daysAgo, state: "rejected" });
  }
  assert.deepEqual(await beats.pass(), { deleted: 4, more: false });
  assert.deepEqual(beats.left(), [15, 15, 5, 5, 5]);
});

Deno.test("retention keeps what waits at least as long as what the cloud has", async () => {
  using beats = bench({ retentionDays: 10, unsyncedDays: 3 });
  await beats.add({ daysAgo: 11, state: "waits" }, { daysAgo: 5, state: "waits" }, { daysAgo: 5 });
  await beats.pass();
  assert.deepEqual(beats.left(), [5, 5]);
});

Deno.test("retention counts off the outbox what waited in it, and nothing else", async () => {
  using beats = bench();
  await beats.add(
    { daysAgo: 30, state: "waits" },
    { daysAgo: 30, state: "rejected" },
    { daysAgo: 30 },
    ...times(5, { daysAgo: 1, state: "waits" } as const),
  );
  await beats.pass();
  assert.equal(beats.outbox.depth().rows, 5);
});

Deno.test("retention looks at each row again in the next pass", async () => {
  using beats = bench();
  await beats.add(...times(60, { daysAgo: 30 }), ...times(60, { daysAgo: 5 }));
  await beats.pass();
  assert.equal(beats.left().length, 60);
  await beats.pass({ days: 6 });
  assert.deepEqual(beats.left(), []);
});

Deno.test("retention ends at the first young row: what came after it is no older, whatever its stamp", async () => {
  using beats = bench();
  await beats.add({ daysAgo: 30 }, { daysAgo: 1 }, { daysAgo: 30 }, ...times(30, { daysAgo: 30 }));
  assert.deepEqual(await beats.pass(), { deleted: 1, more: false });
  assert.deepEqual(beats.left(), [1, ...times(31, 30)]);
});

Deno.test("retention keeps what waits behind a row that may still wait", async () => {
  using beats = bench();
  await beats.add(
    { daysAgo: 30, state: "waits" },
    { daysAgo: 15 },
    ...times(30, { daysAgo: 30, state: "waits" } as const),
  );
  assert.deepEqual(await beats.pass(), { deleted: 2, more: false });
  // The row that kept them is gone: in the next pass they go as well.
  assert.deepEqual(await beats.pass(), { deleted: 30, more: false });
});

Deno.test("retention passes pages of rows from when the clock was ahead", async () => {
  using beats = bench();
  await beats.add(...times(60, { daysAgo: -400 }), ...times(30, { daysAgo: 30 }));
  await beats.pass();
  assert.deepEqual(beats.left(), times(60, -400));
});

Deno.test("retention ends with its budget, and goes on from there", async () => {
  using beats = bench();
  await beats.add(...times(60, { daysAgo: 30 }));
  assert.deepEqual(await beats.pass({ pages: 1 }), { deleted: 25, more: true });
  assert.deepEqual(await beats.pass({ pages: 1 }), { deleted: 25, more: true });
  assert.equal((await beats.pass()).deleted, 10);
});

Deno.test("retention keeps what is still needed, and says how new what it deleted is", async () => {
  using beats = bench({ dispensable: "pinned = 0" });
  await beats.add({ daysAgo: 30, pinned: true }, { daysAgo: 12 }, { daysAgo: 40 }, { daysAgo: 1 });
  await beats.pass();
  assert.deepEqual(beats.left(), [30, 1]);
  assert.deepEqual(beats.told, [instantOf(msOf(NOW) - 12 * DAY_MS)]);
  await beats.pass();
  assert.equal(beats.told.length, 1);
});
