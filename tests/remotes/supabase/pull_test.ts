/**
 * What comes back from the tables of the cloud: keys of every type, pages of any size, stamps that are none.
 * @module
 */
import assert from "node:assert/strict";
import { type Cursor, type Page, RemoteError, type Row } from "../../../src/core/mod.ts";
import type { Supabase } from "../../../src/remotes/supabase/mod.ts";
import { Cloud } from "../../support/servers/cloud.ts";
import { supabaseOn } from "../../support/servers/supabase.ts";

const cloud = await Cloud.start({ maxRows: 100 });
const { signal } = new AbortController();

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Pull from Supabase ${behaviour}`, async () => {
    await cloud.empty();
    await cloud.sql(
      `INSERT INTO system_members (system_id, user_id) VALUES ('pc-1', '${cloud.alice.id}')`,
    );
    await run();
  });
}

test("reads to the empty page, whatever the project gives at once", async () => {
  await addProjects(451);
  const pages = await allPages(supabaseOn(cloud), "projects");
  assert.deepEqual(pages.map(({ rows }) => rows.length), [100, 100, 100, 100, 51, 0]);
  assert.deepEqual(pages.map(({ more }) => more), [true, true, true, true, true, false]);
  assert.equal(new Set(pages.flatMap(({ rows }) => rows.map(({ id }) => id))).size, 451);
  assert.equal(pages[0]?.total, 451);
});

test("reads every page of many rows that came at the same moment", async () => {
  await cloud.sql(
    `ALTER TABLE projects DISABLE TRIGGER last_write_wins;
     INSERT INTO projects (id, system_id, received_at)
       SELECT 'p' || n, 'pc-1', '2026-01-01' FROM generate_series(1, 250) n;
     ALTER TABLE projects ENABLE TRIGGER last_write_wins;`,
  );
  const pages = await allPages(supabaseOn(cloud), "projects");
  assert.deepEqual(pages.map(({ rows }) => rows.length), [100, 100, 50, 0]);
});

for (
  const [type, values] of [
    ["text", "'k' || n"],
    ["uuid", "md5(n::text)::uuid"],
    ["bigint", "9007199254740000 + n"],
  ] as const
) {
  test(`reads a table whose key is ${type}, and goes on where it rested`, async () => {
    await cloud.ddl(
      `CREATE TABLE plain (id ${type} PRIMARY KEY, name text); SELECT clockblock_records('plain');`,
    );
    await cloud.sql(
      `INSERT INTO plain (id, system_id) SELECT ${values}, 'pc-1' FROM generate_series(1, 120) n`,
    );
    const remote = supabaseOn(cloud);
    const pages = await allPages(remote, "plain");
    const ids = (await cloud.sql<{ id: string }>("SELECT id::text FROM plain")).map(({ id }) => id);
    const read = pages.flatMap(({ rows }) => rows.map(({ id }) => id));
    assert.deepEqual([...read].sort(), ids.sort());
    await cloud.sql(
      "UPDATE plain SET name = 'edited' WHERE id = (SELECT min(id::text) FROM plain)::" + type,
    );
    const next = await allPages(remote, "plain", pages.at(-1)!.cursor);
    assert.ok(next.flatMap(({ rows }) => rows).some(({ name }) => name === "edited"));
  });
}

test("leaves out rows whose stamp is none, says how many, and reads the others", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id text PRIMARY KEY, system_id text, updated_at timestamptz, deleted_at timestamptz,
       received_at timestamptz);
     GRANT SELECT ON plain TO authenticated;`,
  );
  await cloud.sql(
    `INSERT INTO plain (id, system_id, updated_at, received_at) VALUES
       ('a', 'pc-1', now(), '2026-01-01'), ('b', 'pc-1', now(), NULL), ('c', 'pc-1', now(), 'infinity'),
       ('d', 'pc-1', NULL, '2026-01-02'), ('e', 'pc-1', 'infinity', '2026-01-03'),
       ('f', 'pc-1', '20000-01-01', '2026-01-04'), ('g', 'pc-1', now(), '20000-01-01')`,
  );
  const remote = supabaseOn(cloud);
  const pages = await allPages(remote, "plain");
  const rows = pages.flatMap((page) => page.rows);
  assert.deepEqual(rows.map(({ id }) => id), ["a", "d", "e", "f"]);
  assert.equal(pages[0]?.unstamped, 3);
  // A row without a stamp of its own has that of its arrival.
  assert.deepEqual(rows.slice(1).map(stampOf), [
    "2026-01-02T00:00:00.000Z",
    "2026-01-03T00:00:00.000Z",
    "2026-01-04T00:00:00.000Z",
  ]);
});

test("names the table and the column that cannot be read", async () => {
  await cloud.ddl(
    "CREATE TABLE plain (id text PRIMARY KEY, system_id text); GRANT SELECT ON plain TO authenticated;",
  );
  const remote = supabaseOn(cloud);
  const error = await refused(remote.pull!("plain", null, { signal }));
  assert.match(error.message, /pull plain .*updated_at/);
  await cloud.ddl(
    `ALTER TABLE plain ADD COLUMN updated_at timestamptz, ADD COLUMN received_at timestamptz;
     REVOKE SELECT ON plain FROM authenticated;`,
  );
  const denied = await refused(remote.pull!("plain", null, { signal }));
  assert.match(denied.message, /permission denied for table plain/);
  assert.equal(denied.verdict?.action, "pause");
});

test("reads by received_at again once the table has it and was learned anew", async () => {
  await cloud.ddl(
    `CREATE TABLE plain (id text PRIMARY KEY, system_id text, updated_at timestamptz, deleted_at timestamptz);
     GRANT SELECT ON plain TO authenticated;`,
  );
  await cloud.sql("INSERT INTO plain VALUES ('a', 'pc-1', '2026-01-05')");
  const remote = supabaseOn(cloud);
  const [first] = await allPages(remote, "plain");
  assert.equal(Date.parse(first!.cursor!.updatedAt), Date.parse("2026-01-05"));
  await cloud.ddl("ALTER TABLE plain ADD COLUMN received_at timestamptz DEFAULT '2026-02-02'");
  remote.forget?.();
  const [again] = await allPages(remote, "plain");
  assert.equal(Date.parse(again!.cursor!.updatedAt), Date.parse("2026-02-02"));
});

test("costs the same at any depth", async () => {
  await addProjects(20_000);
  const plan = async (received: string) => {
    const [{ "QUERY PLAN": [{ Plan }] }] = await cloud.sqlAs(
      "authenticated",
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM projects WHERE system_id = 'pc-1'
         AND received_at < '9999-12-31' AND received_at >= '${received}'
         AND (received_at > '${received}' OR (received_at = '${received}' AND id > 'p1'))
       ORDER BY received_at, id LIMIT 100`,
      { sub: cloud.alice.id },
    ) as unknown as [{ "QUERY PLAN": [{ Plan: Record<string, number> }] }];
    return Plan["Shared Hit Blocks"]! + Plan["Shared Read Blocks"]!;
  };
  await cloud.sqlAs("supabase_admin", "ANALYZE projects");
  const stamps = await cloud.sql<{ at: string }>(
    "SELECT received_at::text AS at FROM projects ORDER BY received_at",
  );
  const shallow = await plan(stamps[200]!.at);
  const deep = await plan(stamps[19_000]!.at);
  assert.ok(deep <= shallow * 2 + 20, `${deep} blocks at depth 19 000, ${shallow} at 200`);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function addProjects(count: number): Promise<void> {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name)
     SELECT 'p' || n, 'pc-1', 'theirs' FROM generate_series(1, ${count}) n`,
  );
}

async function allPages(
  remote: Supabase,
  table: string,
  cursor: Cursor | null = null,
): Promise<Page[]> {
  const pages: Page[] = [];
  do {
    const page = await remote.pull!(table, cursor, { signal });
    pages.push(page);
    cursor = page.cursor;
  } while (pages.at(-1)!.more);
  return pages;
}

function stampOf({ updated_at }: Row): string {
  return new Date(String(updated_at)).toISOString();
}

async function refused(call: Promise<unknown>): Promise<RemoteError> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof RemoteError, String(error));
  return error;
}
