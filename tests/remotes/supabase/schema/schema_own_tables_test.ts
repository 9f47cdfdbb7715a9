/**
 * Tables of an account's own that `clockblock_records` makes tables of records: what it adds, what it refuses, and that
 * an agent's requests work on them.
 * @module
 */
import assert from "node:assert/strict";
import { Cloud } from "../../../support/servers/cloud.ts";
import { askRest, callerOf } from "../rest.ts";
import { objectsOf } from "./schema_objects.ts";

const cloud = await Cloud.start({ grants: "new" });
const alice = await callerOf(cloud, "alice");
const bob = await callerOf(cloud, "bob");

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`clockblock_records ${behaviour}`, async () => {
    await cloud.empty();
    await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('a', $1)", [
      cloud.alice.id,
    ]);
    await run();
  });
}

test("adds what records need to a table that has rows, and fills it in", async () => {
  await cloud.ddl(
    `CREATE TABLE parts (part_no text PRIMARY KEY, price numeric);
     INSERT INTO parts VALUES ('A-1', 5), ('A-2', 6);
     SELECT clockblock_records('parts', 'part_no');`,
  );
  const pulled = await askRest(cloud, alice, {
    path: "parts?system_id=eq.a&order=received_at,part_no",
  });
  assert.deepEqual(
    pulled.rows.map(({ part_no, price, deleted_at }) => [part_no, price, deleted_at]),
    [["A-1", 5, null], ["A-2", 6, null]],
  );
  for (const { updated_at, received_at } of pulled.rows) {
    // Milliseconds, as the agents write them.
    assert.match(String(updated_at), /:\d\d(\.\d{1,3})?\+00:00$/);
    assert.ok(Date.parse(String(received_at)) <= Date.now() + 60_000);
  }
  const columns = await cloud.sql(
    `SELECT attname AS name, attnotnull AS filled FROM pg_attribute
     WHERE attrelid = 'parts'::regclass AND attname IN ('system_id', 'updated_at', 'deleted_at', 'received_at') ORDER BY 1`,
  );
  assert.deepEqual(columns, [
    { name: "deleted_at", filled: false },
    { name: "received_at", filled: true },
    { name: "system_id", filled: true },
    { name: "updated_at", filled: true },
  ]);
});

test("fills in what a table with the columns left empty", async () => {
  await cloud.ddl(
    `CREATE TABLE parts (id text PRIMARY KEY, system_id text, updated_at timestamptz, deleted_at timestamptz,
       received_at timestamptz);
     INSERT INTO parts (id, updated_at) VALUES ('1', null), ('2', '2026-01-01Z');
     SELECT clockblock_records('parts');
     INSERT INTO parts (id, system_id) VALUES ('3', 'a');`,
  );
  const rows = await cloud.sql(
    `SELECT id, system_id, updated_at = '2026-01-01Z' AS own, updated_at IS NULL OR received_at IS NULL AS empty
     FROM parts ORDER BY 1`,
  );
  assert.deepEqual(rows, [
    { id: "1", system_id: "a", own: false, empty: false },
    { id: "2", system_id: "a", own: true, empty: false },
    { id: "3", system_id: "a", own: false, empty: false },
  ]);
});

test("lets rows be edited whose stamps are finer than a machine's", async () => {
  await cloud.ddl(
    `CREATE TABLE makers (id int PRIMARY KEY);
     CREATE TABLE parts (id text PRIMARY KEY, price int, maker int REFERENCES makers ON DELETE SET NULL,
       updated_at timestamptz);
     INSERT INTO makers VALUES (1);
     INSERT INTO parts VALUES ('1', 5, 1, '2026-01-01 00:00:00.123999Z');
     SELECT clockblock_records('parts');`,
  );
  await cloud.sql("UPDATE parts SET price = 6");
  assert.deepEqual(await cloud.sql("SELECT price FROM parts"), [{ price: 6 }]);
  await cloud.sql(
    `ALTER TABLE parts DISABLE TRIGGER last_write_wins;
     UPDATE parts SET updated_at = now() + interval '123.999 milliseconds';
     ALTER TABLE parts ENABLE TRIGGER last_write_wins;`,
  );
  await cloud.sql("DELETE FROM makers");
  assert.deepEqual(await cloud.sql("SELECT maker FROM parts"), [{ maker: null }]);
  await cloud.sql("DELETE FROM parts");
  assert.equal((await cloud.sql("SELECT 1 FROM parts WHERE deleted_at IS NOT NULL")).length, 1);
});

test("asks whose the rows are where it cannot tell", async () => {
  await cloud.ddl("CREATE TABLE parts (id int PRIMARY KEY); INSERT INTO parts VALUES (1), (2)");
  await cloud.sql("INSERT INTO system_members (system_id, user_id) VALUES ('b', $1)", [
    cloud.bob.id,
  ]);
  const { message, hint } = await refusal("SELECT clockblock_records('parts')");
  assert.equal(
    message,
    "Cannot fill system_id in table public.parts: it has 2 rows without one, and there are 2 systems",
  );
  assert.match(hint, /clockblock_records\('parts', 'id', system => '…'\)/);
  await cloud.sql("SELECT clockblock_records('parts', system => 'b')");
  assert.deepEqual(await cloud.sql("SELECT DISTINCT system_id FROM parts"), [{ system_id: "b" }]);
});

test("leaves rows alone that belong to no system yet, when it runs again", async () => {
  await cloud.ddl("CREATE TABLE parts (id int PRIMARY KEY, system_id text)");
  await cloud.sql("SELECT clockblock_records('parts')");
  await cloud.sql("INSERT INTO parts (id) VALUES (1), (2)");
  await cloud.sql("SELECT clockblock_records('parts')");
  // Work that is given to a machine, and work that is given up, which no machine knows of.
  await cloud.sql("UPDATE parts SET system_id = 'a' WHERE id = 1; DELETE FROM parts WHERE id = 2");
  const rows = await cloud.sql("SELECT id, system_id FROM parts");
  assert.deepEqual(rows, [{ id: 1, system_id: "a" }]);
});

for (
  const [what, { ddl, call, message, hint }] of Object.entries({
    "no unique key": {
      ddl: "CREATE TABLE parts (id text, name text)",
      message: /^Table public.parts has no unique key on id$/,
      hint: /alter table public.parts add unique \(id\)/,
    },
    "a unique key on some rows only": {
      ddl: "CREATE TABLE parts (id text, ok boolean); CREATE UNIQUE INDEX ON parts (id) WHERE ok",
      message: /has no unique key on id/,
    },
    "a unique key on an expression": {
      ddl: "CREATE TABLE parts (id text); CREATE UNIQUE INDEX ON parts (lower(id))",
      message: /has no unique key on id/,
    },
    "a unique key that waits for the commit": {
      ddl: "CREATE TABLE parts (id text UNIQUE DEFERRABLE)",
      message: /has no unique key on id/,
    },
    "a unique key with a column more": {
      ddl: "CREATE TABLE parts (id text, line int, PRIMARY KEY (id, line))",
      message: /has no unique key on id/,
    },
    "no such column": {
      ddl: "CREATE TABLE parts (part_no text PRIMARY KEY)",
      message: /^Table public.parts has no column id$/,
      hint: /clockblock_records\('parts', '…'\)/,
    },
    "a stamp without a time zone": {
      ddl: "CREATE TABLE parts (id text PRIMARY KEY, updated_at timestamp)",
      message:
        /^Column updated_at of table public.parts is of type timestamp without time zone, not timestamptz$/,
      hint: /alter table public.parts alter column updated_at type timestamptz using/,
    },
    "a system that is no text": {
      ddl: "CREATE TABLE parts (id text PRIMARY KEY, system_id uuid)",
      message: /^Column system_id of table public.parts is of type uuid, not text$/,
    },
    "a view": {
      ddl: "CREATE VIEW shown AS SELECT * FROM projects",
      call: "SELECT clockblock_records('shown')",
      message: /^There is no plain table shown in schema public$/,
    },
    "a partitioned table": {
      ddl: "CREATE TABLE parts (id text PRIMARY KEY) PARTITION BY HASH (id)",
      message: /^There is no plain table parts in schema public$/,
    },
    "a name with a schema": {
      ddl: "CREATE TABLE parts (id text PRIMARY KEY)",
      call: "SELECT clockblock_records('public.parts')",
      message: /^There is no plain table "public.parts" in schema public$/,
      hint: /without a schema/,
    },
  }) as [string, { ddl: string; call?: string; message: RegExp; hint?: RegExp }][]
) {
  test(`refuses ${what}, and says what to do`, async () => {
    await cloud.ddl(ddl);
    const before = await objectsOf(cloud);
    const refused = await refusal(call ?? "SELECT clockblock_records('parts')");
    assert.match(refused.message, message);
    assert.match(refused.hint, hint ?? /./);
    assert.deepEqual(await objectsOf(cloud), before);
  });
}

for (
  const [what, { ddl, key = "id", ids }] of Object.entries({
    "a uuid": { ddl: "id uuid PRIMARY KEY", ids: [crypto.randomUUID(), crypto.randomUUID()] },
    "a bigint that counts up": { ddl: "id bigserial PRIMARY KEY", ids: [7, 8] },
    "an identity": { ddl: "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ids: [7, 8] },
    "a text of another name": { ddl: '"Part No." text UNIQUE', key: "Part No.", ids: ["ä", "'\""] },
    "the system and the record": {
      ddl: "id text, system_id text, PRIMARY KEY (system_id, id)",
      ids: ["1", "2"],
    },
    "the record and the system": {
      ddl: "id text, system_id varchar(80), UNIQUE (id, system_id)",
      ids: ["1", "2"],
    },
  }) as [string, { ddl: string; key?: string; ids: (string | number)[] }][]
) {
  test(`takes a key that is ${what}`, async () => {
    await cloud.ddl(
      `CREATE TABLE "Odd ""parts""" (${ddl}, price numeric, twice numeric GENERATED ALWAYS AS (price * 2) STORED);
       SELECT clockblock_records('Odd "parts"', $k$${key}$k$);`,
    );
    const table = encodeURIComponent('Odd "parts"');
    const upsert = (price: number, updated_at: string) =>
      askRest(cloud, alice, {
        path: `${table}?on_conflict=${encodeURIComponent(`system_id,"${key}"`)}`,
        method: "POST",
        prefer: "resolution=merge-duplicates,return=representation",
        body: ids.map((id) => ({ [key]: id, system_id: "a", price, updated_at, deleted_at: null })),
      });
    const first = await upsert(1, "2026-11-20T10:00:00.000Z");
    assert.equal(first.status, 201, first.text);
    const second = await upsert(2, "2026-11-20T11:00:00.000Z");
    assert.deepEqual(second.rows.map(({ twice }) => twice), [4, 4], second.text);
    const late = await upsert(3, "2026-11-20T09:00:00.000Z");
    assert.deepEqual(late.rows, [], late.text);
    const path = `${table}?${encodeURIComponent(`"${key}"`)}=eq.${encodeURIComponent(ids[0]!)}`;
    assert.equal((await askRest(cloud, alice, { path, method: "DELETE" })).status, 200);
    const deleted = await cloud.sql(
      `SELECT "${key}" AS id, price FROM "Odd ""parts""" WHERE deleted_at IS NOT NULL`,
    );
    assert.deepEqual(deleted, [{ id: ids[0], price: 2 }]);
    // Another account sees none, and a person adds a row without giving a key where the table makes one.
    assert.deepEqual((await askRest(cloud, bob, { path: table })).rows, []);
    if (typeof ids[0] === "number") {
      const made = await askRest(cloud, alice, {
        path: table,
        method: "POST",
        body: { system_id: "a", price: 9 },
      });
      assert.equal(made.status, 201, made.text);
    }
  });
}

test("changes nothing when it is called again", async () => {
  await cloud.ddl(
    `CREATE TABLE customers (id int PRIMARY KEY);
     CREATE TABLE parts (id bigint GENERATED ALWAYS AS IDENTITY, customer_id int NOT NULL REFERENCES customers, UNIQUE (id));
     SELECT clockblock_records('parts');`,
  );
  const before = await objectsOf(cloud);
  await cloud.sql("SELECT clockblock_records('parts')");
  assert.deepEqual(await objectsOf(cloud), before);
});

test("publishes a table that has no primary key so that its rows can still be changed", async () => {
  await cloud.ddl(
    "CREATE TABLE parts (id text UNIQUE, price int); SELECT clockblock_records('parts')",
  );
  await cloud.sql("INSERT INTO parts (id, system_id, price) VALUES ('1', 'a', 1)");
  await cloud.sql("UPDATE parts SET price = 2; DELETE FROM parts");
  const [row] = await cloud.sql("SELECT price, deleted_at IS NOT NULL AS deleted FROM parts");
  assert.deepEqual(row, { price: 2, deleted: true });
  const published = await cloud.sql(
    "SELECT 1 FROM pg_publication_tables WHERE pubname = 'supabase_realtime' AND tablename = 'parts'",
  );
  assert.equal(published.length, 1);
});

test("keeps the policies of an app, and takes the rights of others away", async () => {
  await cloud.ddl(
    `CREATE TABLE parts (id text PRIMARY KEY);
     ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
     CREATE POLICY "clerks read" ON parts FOR SELECT TO authenticated USING (true);
     GRANT ALL ON parts TO anon, PUBLIC;
     SELECT clockblock_records('parts');`,
  );
  const policies = await cloud.sql<{ name: string }>(
    "SELECT polname::text AS name FROM pg_policy WHERE polrelid = 'parts'::regclass ORDER BY 1",
  );
  assert.deepEqual(policies.map(({ name }) => name), [
    ...["clerks read", "members may delete", "members may insert", "members may select"],
    "members may update",
  ]);
  const [rights] = await cloud.sql(
    "SELECT has_table_privilege('anon', 'parts', 'select, insert, update, delete, truncate') AS anon",
  );
  assert.deepEqual(rights, { anon: false });
});

test("makes indexes of its own for names that are as long as they may be", async () => {
  const names = ["a", "b"].map((last) => "x".repeat(62) + last);
  for (const name of names) {
    await cloud.ddl(
      `CREATE TABLE ${name} (id text PRIMARY KEY); SELECT clockblock_records('${name}')`,
    );
    const indexes = await cloud.sql(
      "SELECT 1 FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%received_at%'",
      [name],
    );
    assert.equal(indexes.length, 2);
  }
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

async function refusal(query: string): Promise<{ message: string; hint: string }> {
  const error = await cloud.sql(query).then(() => undefined, (reason) => reason);
  assert.ok(error, "it was not refused");
  return error;
}
