/**
 * Records in the cloud: the last write wins, keys are a system's own, and whatever takes a row away from an agent (a
 * plain DELETE, a cascade, another system, another key) leaves it a tombstone.
 * @module
 */
import assert from "node:assert/strict";
import { Cloud } from "../../../support/servers/cloud.ts";
import { askRest, callerOf } from "../rest.ts";

const cloud = await Cloud.start({ grants: "new" });
const alice = await callerOf(cloud, "alice");
const bob = await callerOf(cloud, "bob");

function test(behaviour: string, run: () => Promise<void>): void {
  Deno.test(`Records in the cloud: ${behaviour}`, async () => {
    await cloud.empty();
    await cloud.sql(
      `INSERT INTO system_members (system_id, user_id)
       VALUES ('a', '${cloud.alice.id}'), ('a2', '${cloud.alice.id}'), ('b', '${cloud.bob.id}')`,
    );
    await run();
  });
}

test("the last write wins, and a stamp from the future is put right", async () => {
  const write = async (name: string, stamp: string) => {
    await cloud.sql(
      `INSERT INTO projects (id, system_id, name, updated_at) VALUES ('p1', 'a', '${name}', ${stamp})
       ON CONFLICT (system_id, id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at`,
    );
    return (await cloud.sql(
      "SELECT name, updated_at > now() + interval '1 second' AS ahead FROM projects",
    ))[0];
  };
  assert.deepEqual(await write("first", "now() - interval '1 hour'"), {
    name: "first",
    ahead: false,
  });
  assert.deepEqual(await write("older", "now() - interval '2 hours'"), {
    name: "first",
    ahead: false,
  });
  assert.deepEqual(await write("newer", "now() - interval '30 minutes'"), {
    name: "newer",
    ahead: false,
  });
  assert.deepEqual(await write("tomorrow", "now() + interval '1 day'"), {
    name: "tomorrow",
    ahead: false,
  });
  assert.deepEqual(await write("no stamp", "null"), { name: "no stamp", ahead: false });
  await cloud.sql("UPDATE projects SET name = 'by a web page'");
  const [page] = await cloud.sql("SELECT name FROM projects");
  assert.deepEqual(page, { name: "by a web page" });
});

test("two accounts with the same ids are not in each other's way", async () => {
  const tables = {
    projects: { body: { id: "inbox", name: "x" }, key: "system_id,id" },
    zoe_events: {
      body: {
        ...{
          id: crypto.randomUUID(),
          mode: "paper",
          ts: "2026-11-21T12:00:00Z",
          seq: 1,
          source: "a",
        },
        ...{ type: "b", subtype: "c", body: "d", idempotency_key: "fill-1" },
      },
      key: "system_id,mode,idempotency_key",
    },
    punches: {
      body: { id: "1", device_sn: "s", person_id: "7", device_time: "12:00", time_zone: "UTC" },
      key: "system_id,device_sn,person_id,device_time",
    },
  };
  for (const [table, { body, key }] of Object.entries(tables)) {
    for (const [caller, system_id] of [[alice, "a"], [bob, "b"]] as const) {
      const { status, text } = await askRest(cloud, caller, {
        path: `${table}?on_conflict=${key}`,
        method: "POST",
        prefer: `resolution=${table === "zoe_events" ? "ignore" : "merge"}-duplicates`,
        body: { ...body, system_id },
      });
      assert.equal(status, 201, text);
    }
    const held = await cloud.sql(`SELECT system_id FROM ${table} ORDER BY 1`);
    assert.deepEqual(held, [{ system_id: "a" }, { system_id: "b" }], table);
  }
});

test("a task belongs to a project of its own system", async () => {
  await cloud.sql("INSERT INTO projects (id, system_id) VALUES ('p1', 'b')");
  const task = { id: "t1", system_id: "a", project_id: "p1" };
  const answer = await askRest(cloud, alice, { path: "tasks", method: "POST", body: task });
  assert.deepEqual([answer.status, answer.code], [409, "23503"]);
});

test("a plain DELETE becomes a tombstone that a pull reads; deleting that removes it", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name, updated_at) VALUES
       ('p1', 'a', 'house', now() - interval '1 day'), ('p2', 'a', 'garden', now() - interval '1 day')`,
  );
  const [newest] = await rows("projects", "id = 'p2'");
  const remove = () => askRest(cloud, alice, { path: "projects?id=eq.p1", method: "DELETE" });
  assert.equal((await remove()).status, 200);
  const after = encodeURIComponent(String(newest!.received_at));
  const pulled = await askRest(cloud, alice, {
    path: `projects?system_id=eq.a&received_at=gt.${after}&order=received_at,id`,
  });
  assert.deepEqual(pulled.rows.map(({ id, name }) => [id, name]), [["p1", "house"]]);
  const [tombstone] = pulled.rows;
  const age = (stamp: unknown) => Date.now() - Date.parse(String(stamp));
  for (const column of ["deleted_at", "updated_at", "received_at"]) {
    assert.ok(Math.abs(age(tombstone![column])) < 60_000, column);
  }
  assert.equal((await remove()).status, 200);
  assert.deepEqual((await rows("projects")).map(({ id }) => id), ["p2"]);
});

test("a deletion is later than the row's stamp, also where that is ahead", async () => {
  const ahead = "date_trunc('milliseconds', now()) + interval '4 minutes'";
  await cloud.sql(`INSERT INTO projects (id, system_id, updated_at) VALUES ('p1', 'a', ${ahead})`);
  const [live] = await cloud.sql<{ updated_at: Date }>("SELECT updated_at FROM projects");
  await cloud.sql("DELETE FROM projects");
  const [tombstone] = await cloud.sql<{ updated_at: Date; deleted_at: Date | null }>(
    "SELECT updated_at, deleted_at FROM projects",
  );
  assert.equal(tombstone!.updated_at.getTime(), live!.updated_at.getTime() + 1);
  assert.ok(tombstone!.deleted_at);
});

test("what refers to a deleted row is deleted with it, as its foreign keys say", async () => {
  await cloud.ddl(
    `CREATE TABLE notes (id int PRIMARY KEY, system_id text, task_id text,
       FOREIGN KEY (system_id, task_id) REFERENCES tasks ON DELETE CASCADE);
     CREATE TABLE plans (id text PRIMARY KEY, system_id text, task_id text,
       FOREIGN KEY (system_id, task_id) REFERENCES tasks ON DELETE SET NULL (task_id));
     SELECT clockblock_records('plans');`,
  );
  await cloud.sql(
    `INSERT INTO projects (id, system_id) VALUES ('p1', 'a'), ('p2', 'a');
     INSERT INTO tasks (id, system_id, project_id) VALUES ('t1', 'a', 'p1'), ('t2', 'a', 'p1'), ('t3', 'a', 'p2');
     INSERT INTO results (id, system_id, task_id) VALUES ('r1', 'a', 't1'), ('r3', 'a', 't3');
     INSERT INTO notes VALUES (1, 'a', 't1'), (3, 'a', 't3');
     INSERT INTO plans VALUES ('1', 'a', 't1'), ('3', 'a', 't3');`,
  );
  await askRest(cloud, alice, { path: "projects?id=eq.p1", method: "DELETE" });
  assert.deepEqual(await state("projects"), ["p1 deleted", "p2"]);
  assert.deepEqual(await state("tasks"), ["t1 deleted", "t2 deleted", "t3"]);
  assert.deepEqual(await state("results"), ["r1 deleted", "r3"]);
  assert.deepEqual(await cloud.sql("SELECT id FROM notes"), [{ id: 3 }]);
  assert.deepEqual(await cloud.sql("SELECT id, task_id FROM plans ORDER BY id"), [
    { id: "1", task_id: null },
    { id: "3", task_id: "t3" },
  ]);
});

test("a row that others need is not deleted", async () => {
  await cloud.ddl(
    `CREATE TABLE bills (id int PRIMARY KEY, system_id text, project_id text,
       FOREIGN KEY (system_id, project_id) REFERENCES projects)`,
  );
  await cloud.sql(
    `INSERT INTO projects (id, system_id) VALUES ('p1', 'a'), ('p2', 'a');
     INSERT INTO bills VALUES (1, 'a', 'p1')`,
  );
  await assert.rejects(cloud.sql("DELETE FROM projects"), { code: "23503" });
  assert.deepEqual(await state("projects"), ["p1", "p2"]);
  await cloud.sql("DELETE FROM projects WHERE id = 'p2'");
  assert.deepEqual(await state("projects"), ["p1", "p2 deleted"]);
});

test("an agent's deletion takes nothing with it, also beside a plain DELETE", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id) VALUES ('p1', 'a'), ('p2', 'a');
     INSERT INTO tasks (id, system_id, project_id) VALUES ('t1', 'a', 'p1'), ('t2', 'a', 'p2')`,
  );
  await cloud.sql(
    `UPDATE projects SET deleted_at = date_trunc('milliseconds', now()) WHERE id = 'p1';
     DELETE FROM projects WHERE id = 'p2'`,
  );
  assert.deepEqual(await state("projects"), ["p1 deleted", "p2 deleted"]);
  assert.deepEqual(await state("tasks"), ["t1", "t2 deleted"]);
});

test("a tree in one table is deleted in one statement, wherever it begins", async () => {
  await cloud.ddl(
    `CREATE TABLE folders (id int PRIMARY KEY, parent_id int REFERENCES folders ON DELETE CASCADE, name text);
     SELECT clockblock_records('folders')`,
  );
  const plant = () =>
    cloud.sql(
      `TRUNCATE folders;
       INSERT INTO folders (id, parent_id, system_id) VALUES (1, null, 'a'), (2, 1, 'a'), (3, 2, 'a'), (4, null, 'a')`,
    );
  for (const where of ["true", "id IN (1, 2)", "id IN (3, 1)"]) {
    await plant();
    await cloud.sql(`DELETE FROM folders WHERE ${where}`);
    const left = where === "true" ? "4 deleted" : "4";
    assert.deepEqual(await state("folders"), ["1 deleted", "2 deleted", "3 deleted", left], where);
  }
});

test("a cascade from a table of the app's own leaves tombstones, and keeps those there were", async () => {
  await cloud.ddl(
    `CREATE TABLE customers (id int PRIMARY KEY);
     CREATE TABLE orders (id text PRIMARY KEY, customer_id int NOT NULL REFERENCES customers ON DELETE CASCADE,
       owner uuid REFERENCES auth.users ON DELETE CASCADE, details json);
     CREATE TABLE lines (id text PRIMARY KEY, order_id text NOT NULL REFERENCES orders ON DELETE CASCADE);
     INSERT INTO customers VALUES (1), (2);
     SELECT clockblock_records('orders'), clockblock_records('lines');`,
  );
  await cloud.sql(
    `INSERT INTO auth.users (id) VALUES ('00000000-0000-4000-8000-00000000000c');
     INSERT INTO orders (id, customer_id, system_id, owner, details) VALUES ('o1', 1, 'a', null, '{"a":  1}'),
       ('o2', 1, 'a', null, null), ('o3', 2, 'a', '00000000-0000-4000-8000-00000000000c', null), ('o4', 2, 'a', null, null);
     INSERT INTO lines (id, order_id, system_id) VALUES ('l1', 'o1', 'a'), ('l4', 'o4', 'a');
     DELETE FROM orders WHERE id = 'o2';`,
  );
  await cloud.sql("DELETE FROM customers WHERE id = 1");
  await cloud.sql("DELETE FROM auth.users WHERE id = '00000000-0000-4000-8000-00000000000c'");
  assert.deepEqual(await state("orders"), ["o1 deleted", "o2 deleted", "o3 deleted", "o4"]);
  assert.deepEqual(await state("lines"), ["l1 deleted", "l4"]);
  const orders = await cloud.sql(
    "SELECT id, customer_id, owner, details::text FROM orders ORDER BY 1",
  );
  assert.deepEqual(orders.slice(0, 3), [
    { id: "o1", customer_id: null, owner: null, details: '{"a":  1}' },
    { id: "o2", customer_id: null, owner: null, details: null },
    { id: "o3", customer_id: 2, owner: null, details: null },
  ]);
  // Of a row that is there, a customer is asked for as before.
  const without = cloud.sql("INSERT INTO orders (id, system_id) VALUES ('o5', 'a')");
  await assert.rejects(without, { code: "23514" });
});

test("rows whose own key is that of a deleted row go for good", async () => {
  await cloud.ddl(
    `CREATE TABLE machines (id text PRIMARY KEY);
     INSERT INTO machines VALUES ('a'), ('b');
     CREATE TABLE jobs (id text PRIMARY KEY, system_id text REFERENCES machines ON DELETE CASCADE);
     SELECT clockblock_records('jobs');`,
  );
  await cloud.sql("INSERT INTO jobs (id, system_id) VALUES ('1', 'a'), ('2', 'b')");
  await cloud.sql("DELETE FROM machines WHERE id = 'a'");
  assert.deepEqual(await state("jobs"), ["2"]);
});

test("a row that is deleted and added again is there again, later than its tombstone", async () => {
  await cloud.sql(
    "INSERT INTO projects (id, system_id, updated_at) VALUES ('p1', 'a', now() + interval '3 minutes')",
  );
  await cloud.sql("DELETE FROM projects");
  const [tombstone] = await cloud.sql<{ updated_at: Date }>("SELECT updated_at FROM projects");
  // What an agent wrote before the deletion does not undo it.
  const late = { id: "p1", system_id: "a", name: "late", updated_at: "2026-11-20T00:00:00.000Z" };
  await askRest(cloud, alice, {
    path: "projects?on_conflict=system_id,id",
    method: "POST",
    prefer: "resolution=merge-duplicates",
    body: { ...late, deleted_at: null },
  });
  assert.deepEqual(await state("projects"), ["p1 deleted"]);
  const added = await askRest(cloud, alice, {
    path: "projects",
    method: "POST",
    body: { id: "p1", system_id: "a", name: "again" },
  });
  assert.equal(added.status, 201, added.text);
  assert.deepEqual(await state("projects"), ["p1"]);
  assert.ok(Date.parse(String(added.rows[0]!.updated_at)) > tombstone!.updated_at.getTime());
  // A row that is there stays.
  const twice = await askRest(cloud, alice, {
    path: "projects",
    method: "POST",
    body: { id: "p1", system_id: "a" },
  });
  assert.deepEqual([twice.status, twice.code], [409, "23505"]);
});

test("a row that moves to another system leaves a tombstone, with all that belongs to it, and may come back", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name) VALUES ('p1', 'a', 'house');
     INSERT INTO tasks (id, system_id, project_id) VALUES ('t1', 'a', 'p1');
     INSERT INTO results (id, system_id, task_id) VALUES ('r1', 'a', 't1')`,
  );
  const move = (from: string, to: string) =>
    askRest(cloud, alice, {
      path: `projects?id=eq.p1&system_id=eq.${from}`,
      method: "PATCH",
      body: { system_id: to },
    });
  assert.equal((await move("a", "a2")).status, 200);
  for (
    const [table, link] of [["projects", null], ["tasks", "project_id"], ["results", "task_id"]]
  ) {
    const held = await cloud.sql<{ system_id: string; linked: boolean; deleted: boolean }>(
      `SELECT system_id, ${link ?? "null"} IS NOT NULL AS linked, deleted_at IS NOT NULL AS deleted
       FROM ${table} ORDER BY 1`,
    );
    assert.deepEqual(held, [
      { system_id: "a", linked: false, deleted: true },
      { system_id: "a2", linked: link !== null, deleted: false },
    ], String(table));
  }
  assert.equal((await move("a2", "a")).status, 200);
  for (const table of ["projects", "tasks", "results"]) {
    const held = await cloud.sql(`SELECT system_id FROM ${table} WHERE deleted_at IS NULL`);
    assert.deepEqual(held, [{ system_id: "a" }], table);
  }
  // Not to a system of somebody else.
  const [status, code] = [(await move("a", "b")).status, (await move("a", "b")).code];
  assert.deepEqual([status, code], [403, "42501"]);
});

test("a task does not move without its project", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id) VALUES ('p1', 'a');
     INSERT INTO tasks (id, system_id, project_id) VALUES ('t1', 'a', 'p1')`,
  );
  await assert.rejects(cloud.sql("UPDATE tasks SET system_id = 'a2'"), { code: "23503" });
  await cloud.sql("UPDATE tasks SET system_id = 'a2', project_id = null");
  assert.deepEqual(await state("tasks"), ["t1", "t1 deleted"]);
});

test("a row that gets another key leaves a tombstone under the old one", async () => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id) VALUES ('p1', 'a');
     INSERT INTO tasks (id, system_id, project_id) VALUES ('t1', 'a', 'p1')`,
  );
  await cloud.sql("UPDATE projects SET id = 'p9'");
  assert.deepEqual(await state("projects"), ["p1 deleted", "p9"]);
  assert.deepEqual(await cloud.sql("SELECT project_id FROM tasks"), [{ project_id: "p9" }]);
  await cloud.sql("UPDATE projects SET id = 'p1' WHERE id = 'p9'");
  assert.deepEqual(await state("projects"), ["p1", "p9 deleted"]);
});

test("a row does not move where a unique key leaves no room for its tombstone", async () => {
  await cloud.ddl(
    `CREATE TABLE invoices (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), amount numeric);
     SELECT clockblock_records('invoices')`,
  );
  await cloud.sql("INSERT INTO invoices (system_id, amount) VALUES ('a', 5)");
  const error = await cloud.sql("UPDATE invoices SET system_id = 'a2'")
    .then(() => undefined, (reason) => reason);
  assert.match(
    error.message,
    /^A row of public.invoices cannot get another system_id: the unique index public.invoices_pkey does not hold it$/,
  );
  assert.match(error.hint, /add primary key \(system_id, id\)/);
  assert.deepEqual(await cloud.sql("SELECT system_id FROM invoices"), [{ system_id: "a" }]);
  // What the advice comes to.
  await cloud.ddl(
    "DROP INDEX invoices_system_id_id_idx; ALTER TABLE invoices DROP CONSTRAINT invoices_pkey, ADD PRIMARY KEY (system_id, id)",
  );
  await cloud.sql("UPDATE invoices SET system_id = 'a2'");
  assert.deepEqual((await cloud.sql("SELECT system_id FROM invoices ORDER BY 1")).length, 2);
});

test("a tombstone is purged by the day it came, and not while a row refers to it", async () => {
  const old = "now() - interval '91 days'";
  await cloud.sql(
    `INSERT INTO projects (id, system_id, deleted_at) VALUES ('old', 'a', ${old}), ('late', 'a', ${old}),
       ('needed', 'a', ${old}), ('chain', 'a', ${old}), ('live', 'a', null);
     INSERT INTO tasks (id, system_id, project_id, deleted_at) VALUES ('live', 'a', 'needed', null),
       ('chain', 'a', 'chain', ${old}), ('fresh', 'a', 'live', now());
     INSERT INTO results (id, system_id, task_id, deleted_at) VALUES ('chain', 'a', 'chain', ${old});
     ALTER TABLE projects DISABLE TRIGGER last_write_wins; ALTER TABLE tasks DISABLE TRIGGER last_write_wins;
     ALTER TABLE results DISABLE TRIGGER last_write_wins;
     UPDATE projects SET received_at = ${old} WHERE id <> 'late';
     UPDATE tasks SET received_at = ${old} WHERE id <> 'fresh';
     UPDATE results SET received_at = ${old};
     ALTER TABLE projects ENABLE TRIGGER last_write_wins; ALTER TABLE tasks ENABLE TRIGGER last_write_wins;
     ALTER TABLE results ENABLE TRIGGER last_write_wins;`,
  );
  assert.deepEqual(await cloud.sql("SELECT purge_tombstones() AS purged"), [{ purged: 4 }]);
  assert.deepEqual(await state("projects"), ["late deleted", "live", "needed deleted"]);
  assert.deepEqual(await state("tasks"), ["fresh deleted", "live"]);
  assert.deepEqual(await state("results"), []);
  assert.deepEqual(await cloud.sql("SELECT purge_tombstones('0 days') AS purged"), [{ purged: 2 }]);
  assert.deepEqual(await state("projects"), ["live", "needed deleted"]);
  assert.deepEqual(await state("tasks"), ["live"]);
});

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

/** Ids of a table, and which of them are tombstones. */
async function state(table: string): Promise<string[]> {
  const rows = await cloud.sql<{ state: string }>(
    `SELECT id || CASE WHEN deleted_at IS NULL THEN '' ELSE ' deleted' END AS state FROM ${table} ORDER BY 1`,
  );
  return rows.map(({ state }) => state);
}

/** Rows as the API gives them. */
async function rows(table: string, where = "true"): Promise<Record<string, unknown>[]> {
  const found = await cloud.sql<{ row: Record<string, unknown> }>(
    `SELECT to_json(t) AS row FROM ${table} t WHERE ${where}`,
  );
  return found.map(({ row }) => row);
}
