import assert from "node:assert/strict";
import {
  type Cursor,
  type Inbox,
  type Page,
  RemoteError,
  type Verdict,
  VERDICTS,
} from "../../src/core/mod.ts";
import { InboxPuller, type InboxPullerOptions } from "../../src/sync/pull.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

Deno.test("InboxPuller reads every table page by page, each from where the last one ended", async () => {
  const cloud = new Cloud({ projects: 5, tasks: 2 });
  assert.deepEqual(await cloud.pull(), { progress: true });
  assert.equal(cloud.puller.rowsPulled, 7);
  assert.deepEqual(cloud.reads, ["projects ", "projects 2", "projects 4", "tasks "]);
  assert.deepEqual(cloud.applied, ["1", "2", "3", "4", "5", "1", "2"]);
});

Deno.test("InboxPuller has a page applied until no work is left of it, its rows once", async () => {
  const cloud = new Cloud({ projects: 1 });
  cloud.worksLeft = 3;
  await cloud.pull();
  assert.deepEqual(cloud.applied, ["1"]);
  assert.equal(cloud.worksLeft, 0);
  assert.deepEqual(cloud.reads, ["projects "]);
});

Deno.test("InboxPuller reads from the beginning when a reset comes while a page is on its way", async () => {
  const cloud = new Cloud({ projects: 4 });
  cloud.resetsAtRead = 2;
  await cloud.pull();
  assert.deepEqual(cloud.reads, ["projects ", "projects 2", "projects ", "projects 2"]);
  assert.deepEqual(cloud.applied, ["1", "2", "1", "2", "3", "4"]);
});

Deno.test("InboxPuller reads from the beginning when a reset comes before a page's work is done", async () => {
  const cloud = new Cloud({ projects: 2 });
  cloud.worksLeft = 2;
  cloud.resetsWithWorkLeft = 1;
  await cloud.pull();
  assert.deepEqual(cloud.reads, ["projects ", "projects "]);
  assert.deepEqual(cloud.applied, ["1", "2", "1", "2"]);
});

Deno.test("InboxPuller goes on where it was, the next time", async () => {
  const cloud = new Cloud({ projects: 3 });
  await cloud.pull();
  cloud.rows.projects = 4;
  await cloud.pull();
  assert.deepEqual(cloud.applied, ["1", "2", "3", "4"]);
});

Deno.test("InboxPuller does not read a page for ever that leads nowhere", async () => {
  const cloud = new Cloud({ projects: 1 });
  cloud.stuck = { table: "projects", rows: [], cursor: null, more: true };
  await cloud.pull();
  assert.deepEqual(cloud.reads, ["projects "]);
});

Deno.test("InboxPuller reads the other tables when one waits for a person, and leaves it alone for a while", async () => {
  const cloud = new Cloud({ projects: 1, tasks: 1 });
  cloud.broken.set("projects", new RemoteError("no such table", { status: 404, code: "PGRST205" }));
  const first = await cloud.pull();
  assert.equal(first.failure?.code, "PGRST205");
  assert.equal(first.progress, true);
  const second = await cloud.pull();
  assert.equal(second.failure?.code, "PGRST205");
  assert.equal(cloud.reads.filter((read) => read.startsWith("projects")).length, 1);

  cloud.broken.clear();
  await cloud.clock.advance(160_000);
  const third = await cloud.pull();
  assert.equal(third.failure, undefined);
  assert.ok(cloud.applied.includes("1"));
});

for (const status of [400, 403, 500]) {
  Deno.test(`InboxPuller reads the other tables when one answers ${status}`, async () => {
    const cloud = new Cloud({ projects: 1, tasks: 1 });
    cloud.broken.set("projects", new RemoteError("no", { status }));
    const { failure, progress, tableOnly } = await cloud.pull();
    assert.deepEqual([failure?.status, progress, tableOnly], [status, true, true]);
    assert.deepEqual(cloud.applied, ["1"]);
  });
}

Deno.test("InboxPuller reads fewer rows at once where the answer would be too long", async () => {
  const cloud = new Cloud({ projects: 3 });
  cloud.mostRows = 40;
  assert.equal((await cloud.pull()).failure, undefined);
  assert.deepEqual(cloud.asked, [250, 125, 63]);
  assert.deepEqual(cloud.applied, ["1", "2", "3"]);
});

Deno.test("InboxPuller reads fewer rows at once after a long page", async () => {
  const cloud = new Cloud({ projects: 6 });
  cloud.body = "x".repeat(1 << 20);
  await cloud.pull();
  assert.deepEqual(cloud.applied, ["1", "2", "3", "4", "5", "6"]);
  // Pages of two, then of one.
  assert.deepEqual(cloud.reads.slice(0, 3), ["projects ", "projects 2", "projects 3"]);
});

Deno.test("InboxPuller leaves a table alone of which a single row is too long", async () => {
  const cloud = new Cloud({ projects: 1, tasks: 0 });
  cloud.mostRows = 0;
  const { failure, tableOnly } = await cloud.pull();
  assert.deepEqual([failure?.message, tableOnly], ["too much", true]);
  assert.deepEqual(cloud.asked.slice(-2), [2, 1]);
});

Deno.test("InboxPuller asks for fewer rows in the next round where so many were too slow", async () => {
  const cloud = new Cloud({ projects: 1 });
  cloud.mostRows = 200;
  cloud.tooMuch = VERDICTS.tooSlow;
  assert.equal((await cloud.pull()).failure?.message, "too much");
  assert.deepEqual([cloud.asked, cloud.applied], [[250], []]);
  await cloud.clock.advance(160_000);
  await cloud.pull();
  assert.deepEqual([cloud.asked, cloud.applied], [[250], ["1"]]);
});

Deno.test("InboxPuller ends with the first failure that concerns all tables", async () => {
  const cloud = new Cloud({ projects: 1, tasks: 1 });
  cloud.broken.set("projects", new RemoteError("away"));
  const { failure, progress } = await cloud.pull();
  assert.equal(failure?.answered, false);
  assert.equal(progress, false);
  assert.deepEqual(cloud.reads, ["projects "]);
});

Deno.test("InboxPuller reads the page again whose rows the database did not take", async () => {
  const cloud = new Cloud({ projects: 2 });
  cloud.full = true;
  const { failure } = await cloud.pull();
  assert.match(failure?.message ?? "", /disk is full/);
  cloud.full = false;
  await cloud.pull();
  assert.deepEqual(cloud.reads, ["projects ", "projects "]);
});

Deno.test("InboxPuller reads nothing more once the lane has come to its end", async () => {
  const cloud = new Cloud({ projects: 5 });
  cloud.stopsAfterReads = 1;
  await cloud.pull();
  assert.equal(cloud.reads.length, 1);
});

/** Tables of numbered rows in pages of two, and an inbox that remembers where it is. */
class Cloud {
  readonly clock = new FakeClock();
  readonly rows: Record<string, number>;
  readonly reads: string[] = [];
  readonly applied: string[] = [];
  readonly broken = new Map<string, RemoteError>();
  /** Answers every read. */
  stuck: Page | undefined;
  /** So often a page has to be applied again. */
  worksLeft = 0;
  /** A field of every row. */
  body = "";
  /** More rows at once are too much, which is said with this verdict. */
  mostRows = Infinity;
  tooMuch: Verdict = VERDICTS.tooLong;
  /** How many were asked for then. */
  readonly asked: number[] = [];
  /** The cursors are deleted while this read is on its way, */
  resetsAtRead = 0;
  /** and when this much work is left. */
  resetsWithWorkLeft = 0;
  /** The database takes nothing. */
  full = false;
  /** The agent stops after as many. */
  stopsAfterReads = Infinity;
  readonly puller: InboxPuller;
  readonly #cursors = new Map<string, Cursor | null>();
  readonly #inbox: Inbox;

  constructor(rows: Record<string, number>) {
    this.rows = rows;
    this.#inbox = {
      tables: Object.keys(rows),
      cursor: (table) => this.#cursors.get(table) ?? null,
      apply: ({ table, rows, cursor }) => {
        this.applied.push(...rows.map(({ id }) => id));
        this.#cursors.set(table, cursor);
        const more = this.worksLeft > 0;
        if (more) this.worksLeft--;
        return { applied: rows.length, conflicts: 0, more };
      },
    };
    const reads = this.reads;
    const stopped = () => reads.length >= this.stopsAfterReads;
    const store: InboxPullerOptions["store"] = {
      write: (work) => {
        if (this.full) return Promise.reject(new Error("database or disk is full"));
        if (this.worksLeft > 0 && this.worksLeft === this.resetsWithWorkLeft) {
          this.resetsWithWorkLeft = 0;
          this.#cursors.clear();
        }
        return Promise.resolve(work());
      },
    };
    this.puller = new InboxPuller({
      name: "records",
      remote: {},
      random: () => 0,
      inbox: this.#inbox,
      requests: {
        pull: (table, cursor, rows) => this.#read(table, cursor, rows),
        get stopped() {
          return stopped();
        },
      },
      store,
      clock: this.clock,
      onChange: () => {},
    });
  }

  pull(): ReturnType<InboxPuller["run"]> {
    return this.puller.run();
  }

  #read(table: string, cursor: Cursor | null, limit: number): Promise<Page> {
    this.reads.push(`${table} ${cursor?.id ?? ""}`);
    if (this.reads.length === this.resetsAtRead) this.#cursors.clear();
    const error = this.broken.get(table);
    if (error) return Promise.reject(error);
    if (limit > this.mostRows) {
      this.asked.push(limit);
      const verdict = this.tooMuch;
      return Promise.reject(new RemoteError("too much", { status: 200, verdict }));
    }
    if (this.stuck) return Promise.resolve(this.stuck);
    const from = Number(cursor?.id ?? 0);
    const to = Math.min(from + Math.min(2, limit), this.rows[table] ?? 0);
    const rows = Array.from({ length: to - from }, (_, n) => ({
      id: String(from + n + 1),
      body: this.body,
    }));
    const last = rows.at(-1);
    return Promise.resolve({
      table,
      rows,
      cursor: last ? { id: last.id, updatedAt: "2026-03-02T12:00:00.000Z" } : cursor,
      more: to < (this.rows[table] ?? 0),
    });
  }
}
