/** Where a reading rests, so that what commits late is read and what was read is not read again. @module */
import assert from "node:assert/strict";
import type { Cursor, Page } from "../../../src/core/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";

const MINUTE_MS = 60_000;
const cloud = await Cloud.start({ maxRows: 100 });

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`The cursor of Supabase ${behaviour}`, async () => {
    await cloud.empty();
    await cloud.sql(
      `INSERT INTO system_members (system_id, user_id)
       VALUES ('pc-1', '${cloud.alice.id}'), ('pc-2', '${cloud.alice.id}')`,
    );
    await run();
  });
}

/** Adds projects whose arrival was this (SQL), in the order given. */
async function arrive(at: string, ids: string, systemId = "pc-1"): Promise<void> {
  await cloud.sql(
    `ALTER TABLE projects DISABLE TRIGGER last_write_wins;
     INSERT INTO projects (id, system_id, received_at) SELECT id, '${systemId}', ${at} FROM ${ids};
     ALTER TABLE projects ENABLE TRIGGER last_write_wins;`,
  );
}

async function read(cursor: Cursor | null = null): Promise<{ ids: string[]; pages: Page[] }> {
  const remote = supabaseOn(cloud);
  const { signal } = new AbortController();
  const pages: Page[] = [];
  do {
    pages.push(await remote.pull!("projects", pages.at(-1)?.cursor ?? cursor, { signal }));
  } while (pages.at(-1)!.more);
  return { ids: pages.flatMap(({ rows }) => rows.map(({ id }) => id)), pages };
}

test("rests a minute behind the server's clock: what began earlier may commit later", async () => {
  await arrive("now()", "(VALUES ('new')) AS rows (id)");
  const { ids, pages } = await read();
  assert.deepEqual(ids, ["new"]);
  const { cursor } = pages.at(-1)!;
  assert.ok(Date.now() - Date.parse(cursor!.updatedAt) >= MINUTE_MS - 2_000, cursor!.updatedAt);
  // It names a moment: a row's id would leave out what came in it.
  assert.equal(cursor!.id, "");
  await arrive("now() - interval '30 s'", "(VALUES ('late')) AS rows (id)");
  assert.deepEqual((await read(cursor)).ids, ["late", "new"]);
});

test("rests by the server's clock, whatever this machine's says", async () => {
  await arrive("now()", "(VALUES ('a')) AS rows (id)");
  cloud.clockOffsetMs = -60 * MINUTE_MS;
  const { pages } = await read();
  const restsMs = Date.parse(pages.at(-1)!.cursor!.updatedAt);
  assert.ok(Date.now() - restsMs >= 60 * MINUTE_MS, pages.at(-1)!.cursor!.updatedAt);
});

test("comes to rest at an empty page, and reads no row of before again", async () => {
  await arrive("'2026-01-01'", "(VALUES ('a'), ('b'), ('c')) AS rows (id)");
  const { ids, pages } = await read();
  assert.deepEqual(ids, ["a", "b", "c"]);
  assert.deepEqual(pages.map(({ rows }) => rows.length), [3, 0]);
  assert.equal(pages.at(-1)!.cursor?.id, "c");
  assert.deepEqual((await read(pages.at(-1)!.cursor)).ids, []);
});

test("passes rows of one moment in the order of their keys, however they lie in the table", async () => {
  const ids = "(SELECT 'p' || lpad((n * 7919 % 250)::text, 3, '0') FROM generate_series(0, 249) n)";
  await arrive("'2026-01-01'", `${ids} AS rows (id)`);
  const { ids: found } = await read();
  assert.equal(found.length, 250);
  assert.deepEqual(found, found.toSorted());
  assert.equal(new Set(found).size, 250);
});

test("reads no row of another system, also of one that the account may see", async () => {
  await arrive("'2026-01-01'", "(VALUES ('ours')) AS rows (id)");
  await arrive("'2026-01-02'", "(VALUES ('theirs')) AS rows (id)", "pc-2");
  assert.deepEqual((await read()).ids, ["ours"]);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());
