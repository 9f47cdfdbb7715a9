/**
 * Records both ways: the real stream, engine and supabase-js, against PostgreSQL with our schema.
 * @module
 */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/core/mod.ts";
import { logged } from "../support/logged.ts";
import { Cloud } from "../support/servers/cloud.ts";
import { Machine, type MachineOptions } from "../support/machine.ts";

const DAY_MS = 86_400_000;

const cloud = await Cloud.start();

function test(
  behaviour: string,
  run: (machine: Machine) => Promise<void>,
  options: MachineOptions = {},
): void {
  Deno.test(`Records sync ${behaviour}`, async () => {
    await cloud.empty();
    await using machine = new Machine(cloud, options);
    // The first sign-in makes this account the system's member.
    await machine.sync();
    await run(machine);
  });
}

test("brings a local task to the cloud, and a cloud task to whoever listens here", async (machine) => {
  await machine.put("projects", "p1", { name: "house" });
  await machine.put("tasks", "t1", { project_id: "p1", title: "paint", data: { deep: [1, null] } });
  await machine.sync();
  assert.deepEqual(await inCloud("tasks", "id, system_id, title, data"), [
    { id: "t1", system_id: "pc-1", title: "paint", data: { deep: [1, null] } },
  ]);
  assert.equal(machine.waiting, 0);

  await cloud.sql(
    "INSERT INTO tasks (id, system_id, project_id, title) VALUES ('t2', 'pc-1', 'p1', 'sweep')",
  );
  await machine.sync();
  assert.equal((await machine.get("tasks", "t2"))?.title, "sweep");
  assert.deepEqual(machine.news, ["tasks/t2"]);
});

test("lets the newer edit in the cloud win, and keeps the conflict", async (machine) => {
  await shared(machine);
  using log = logged("conflicts");
  await machine.patch("projects", "p1", { name: "mine" });
  await cloud.sql(
    "UPDATE projects SET name = 'theirs', updated_at = now() + interval '1 second' WHERE id = 'p1'",
  );
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "theirs");
  assert.deepEqual(await inCloud("projects", "name"), [{ name: "theirs" }]);
  assert.deepEqual(machine.conflicts, [{ kind: "edit/edit", winner: "remote", record_id: "p1" }]);
  assert.deepEqual(
    log.entries.map(({ local, remote }) => [
      (local as { name: string }).name,
      (remote as { name: string }).name,
    ]),
    [["mine", "theirs"]],
  );
  assert.equal(machine.waiting, 0);
});

test("lets the newer local edit win, and brings it to the cloud", async (machine) => {
  await shared(machine);
  await cloud.sql("UPDATE projects SET name = 'theirs' WHERE id = 'p1'");
  await later();
  await machine.patch("projects", "p1", { name: "mine" });
  await machine.sync();
  assert.deepEqual(await inCloud("projects", "name"), [{ name: "mine" }]);
  assert.deepEqual(machine.conflicts, [{ kind: "edit/edit", winner: "local", record_id: "p1" }]);
});

test("keeps the local version when the stamps are equal", async (machine) => {
  const { updated_at } = await machine.put("projects", "p1", { name: "mine" });
  await cloud.sql(
    "INSERT INTO projects (id, system_id, name, updated_at) VALUES ('p1', 'pc-1', 'theirs', $1)",
    [updated_at],
  );
  await machine.sync();
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "mine");
  assert.deepEqual(await inCloud("projects", "name"), [{ name: "mine" }]);
  assert.deepEqual(machine.conflicts, [{ kind: "edit/edit", winner: "local", record_id: "p1" }]);
});

test("brings back what was deleted here and edited in the cloud, with a warning", async (machine) => {
  await shared(machine);
  await cloud.sql("UPDATE projects SET name = 'theirs' WHERE id = 'p1'");
  await later();
  await machine.remove("projects", "p1");
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "theirs");
  assert.deepEqual(await inCloud("projects", "name, deleted_at"), [
    { name: "theirs", deleted_at: null },
  ]);
  assert.deepEqual(machine.conflicts, [{ kind: "delete/edit", winner: "remote", record_id: "p1" }]);
  assert.match(
    machine.warnings.list()[0]!.message,
    /"p1" was deleted here and edited in the cloud/,
  );
});

test("keeps the conflict when somebody writes later between its reading and its writing", async (machine) => {
  await shared(machine);
  await machine.put("projects", 'p2,"(x)', { name: "other" });
  await machine.sync();
  await machine.patch("projects", "p1", { name: "mine" });
  await machine.remove("projects", 'p2,"(x)');
  await machine.patch("projects", "p1", { status: "open" });
  cloud.meanwhile = () =>
    cloud.sql("UPDATE projects SET name = 'theirs', updated_at = now() + interval '1 second'");
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "theirs");
  assert.equal((await machine.get("projects", 'p2,"(x)'))?.name, "theirs");
  assert.deepEqual(machine.conflicts, [
    { kind: "delete/edit", winner: "remote", record_id: 'p2,"(x)' },
    { kind: "edit/edit", winner: "remote", record_id: "p1" },
  ]);
  assert.equal(machine.waiting, 0);
  assert.deepEqual(machine.news.sort(), ["projects/p1", 'projects/p2,"(x)']);
  // Nothing more comes of it.
  cloud.requests.length = 0;
  await machine.sync();
  assert.ok(cloud.requests.every(({ method }) => method === "GET"));
  assert.equal(machine.conflicts.length, 2);
});

test("tells how far it is when it reads a table from its beginning, also after a restart", async (machine) => {
  await machine.sync();
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name) SELECT 'p' || n, 'pc-1', n FROM generate_series(1, 2500) n`,
  );
  // The first page, its count, and then the second page.
  const first = [1, 2].map(() => ({ kind: "none" as const }));
  cloud.faults.push(...first, { kind: "status", status: 400 });
  await machine.sync();
  const reading = { table: "projects", rows: 250, total: 2500, tables_done: 0, tables: 3 };
  assert.deepEqual(machine.lane.reading, reading);
  cloud.plug.pull();
  await machine.restart();
  assert.deepEqual(machine.lane.reading, reading);
  cloud.plug.push();
  await machine.sync();
  assert.equal(machine.lane.reading, null);
  assert.equal(Object.keys(machine.all()).length, 2500);
});

test("reads rows of which a page would be 40 MB a few at a time", async (machine) => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name)
     SELECT 'p' || n, 'pc-1', repeat('large', 40000) FROM generate_series(1, 200) n`,
  );
  await machine.sync();
  assert.equal(machine.lane.last_error, null);
  assert.equal(Object.keys(machine.all()).length, 200);
});

test("pushes large records a few at a time", async (machine) => {
  const name = "large".repeat(40_000);
  for (let n = 0; n < 20; n++) await machine.put("projects", `p${n}`, { name });
  cloud.requests.length = 0;
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.equal((await inCloud("projects", "id")).length, 20);
  assert.equal(cloud.requests.filter(({ method }) => method === "POST").length, 4);
});

test("pushes at most 100 changes a cycle, and reads before the next, which follows at once", async (machine) => {
  await Promise.all(
    Array.from({ length: 250 }, (_, n) => machine.put("projects", `p${n}`, { name: `${n}` })),
  );
  cloud.requests.length = 0;
  await machine.sync();
  assert.equal(machine.waiting, 0);
  // A page with rows is followed by an empty one of the same table.
  const order = cloud.requests.filter(({ method }) => method !== "HEAD")
    .map(({ method, path }) => `${method} ${/\/rest\/v1\/(\w+)/.exec(path)?.[1]}`)
    .filter((each, at, all) => each !== all[at - 1]);
  const reading = ["GET projects", "GET tasks", "GET results"];
  const cycle = [...reading, "POST projects"];
  assert.deepEqual(order, [...cycle, ...cycle, ...cycle]);
  assert.equal((await inCloud("projects", "id")).length, 250);
});

test("deletes in the cloud what was deleted here, and here what was deleted there", async (machine) => {
  await shared(machine);
  await machine.put("projects", "p2", { name: "other" });
  await machine.sync();
  await machine.remove("projects", "p1");
  await cloud.sql("UPDATE projects SET deleted_at = now() WHERE id = 'p2'");
  await machine.sync();
  assert.deepEqual(await inCloud("projects", "id, deleted_at IS NULL AS there"), [
    { id: "p1", there: false },
    { id: "p2", there: false },
  ]);
  assert.deepEqual(machine.all(), {});
  assert.deepEqual(machine.conflicts, []);
});

test("decides between a local edit and a deletion in the cloud by their stamps", async (machine) => {
  await shared(machine);
  await machine.put("projects", "p2", { name: "other" });
  await machine.sync();
  await cloud.sql("UPDATE projects SET deleted_at = now() WHERE id = 'p1'");
  await later();
  await machine.patch("projects", "p1", { name: "kept" });
  await machine.patch("projects", "p2", { name: "lost" });
  await later();
  await cloud.sql("UPDATE projects SET deleted_at = now() WHERE id = 'p2'");
  await machine.sync();
  assert.deepEqual(Object.keys(machine.all()), ["projects/p1"]);
  assert.deepEqual(await inCloud("projects", "name, deleted_at IS NULL AS there"), [
    { name: "kept", there: true },
    { name: "other", there: false },
  ]);
  assert.deepEqual(machine.conflicts.map(({ kind, winner }) => `${kind} ${winner}`), [
    "edit/delete local",
    "edit/delete remote",
  ]);
});

const slowClock = offsetClock();
test("does not let an edit of three days ago undo a newer one", async (machine) => {
  await shared(machine);
  await machine.put("projects", "p2", { name: "other" });
  await machine.sync();
  cloud.plug.pull();
  slowClock.offsetMs = -3 * DAY_MS;
  await machine.put("tasks", "t1", { project_id: "p1", title: "made on the train" });
  slowClock.offsetMs = 0;
  await cloud.sql("UPDATE projects SET name = 'yesterday' WHERE id = 'p1'");
  await machine.sync();
  assert.equal(machine.lane.state, "disconnected");
  assert.equal(machine.waiting, 1);
  cloud.plug.push();
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "yesterday");
  // What is new in the cloud although it was made long ago is not missed by others, who read by arrival.
  await using other = new Machine(cloud);
  await other.sync();
  assert.equal((await other.get("tasks", "t1"))?.title, "made on the train");
}, { clock: slowClock });

test("says nothing twice: its own echo is no change and no conflict", async (machine) => {
  await shared(machine);
  for (let n = 0; n < 3; n++) await machine.patch("projects", "p1", { name: `name ${n}` });
  await machine.sync();
  cloud.requests.length = 0;
  for (let n = 0; n < 3; n++) await machine.sync();
  assert.ok(cloud.requests.every(({ method }) => method === "GET"), JSON.stringify(cloud.requests));
  assert.equal(machine.waiting, 0);
  assert.deepEqual(machine.news, []);
  assert.deepEqual(machine.conflicts, []);
});

test("sends several edits of a record as one, and tells nothing of what came and went", async (machine) => {
  await machine.put("projects", "p1", { name: "a" });
  await machine.patch("projects", "p1", { name: "b" });
  await machine.put("projects", "p2", { name: "brief" });
  await machine.remove("projects", "p2");
  cloud.requests.length = 0;
  await machine.sync();
  assert.equal(cloud.requests.filter(({ method }) => method === "POST").length, 1);
  assert.deepEqual(await inCloud("projects", "id, name"), [{ id: "p1", name: "b" }]);
});

test("counts an answer that was lost as no conflict, across a restart too", async (machine) => {
  await machine.put("projects", "p1", { name: "house" });
  // Three tables are read first.
  const reads = [1, 2, 3].map(() => ({ kind: "none" as const }));
  cloud.faults.push(...reads, { kind: "reset-after-apply" });
  await machine.sync();
  assert.equal(machine.waiting, 1);
  await machine.restart();
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.deepEqual(await inCloud("projects", "id, name"), [{ id: "p1", name: "house" }]);
  assert.deepEqual(machine.conflicts, []);
});

test("lets the other tables flow when one is missing, and names the SQL to run", async (machine) => {
  await cloud.ddl("ALTER TABLE results RENAME TO results_away");
  try {
    await machine.put("projects", "p1", { name: "house" });
    await machine.put("results", "r1", { status: "ok" });
    await machine.sync();
    assert.deepEqual(await inCloud("projects", "id"), [{ id: "p1" }]);
    assert.equal(machine.waiting, 1);
    assert.match(machine.lane.last_error?.message ?? "", /results.*status 404/);
    assert.match(machine.lane.last_error?.advice ?? "", /clockblock schema supabase/);
  } finally {
    await cloud.ddl("ALTER TABLE results_away RENAME TO results");
  }
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.equal(machine.lane.last_error, null);
});

for (
  const [wrong, break_, repair] of [
    [
      "no right on it",
      "REVOKE ALL ON projects FROM authenticated",
      "GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO authenticated",
    ],
    [
      "a trigger that fails",
      `CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'XX000'; END $$;
       CREATE TRIGGER a_fails BEFORE INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION fails()`,
      "DROP TRIGGER a_fails ON projects; DROP FUNCTION fails",
    ],
    [
      "a column that is missing",
      "ALTER TABLE projects RENAME COLUMN system_id TO owner",
      "ALTER TABLE projects RENAME COLUMN owner TO system_id",
    ],
  ] as const
) {
  test(`lets other tables flow both ways past one with ${wrong}`, async (machine) => {
    await machine.sync();
    await cloud.ddl(break_);
    try {
      await machine.put("projects", "p1", { name: "house" });
      await machine.put("tasks", "t0", { title: "here" });
      await cloud.sql(
        "INSERT INTO tasks (id, system_id, title) VALUES ('t1', 'pc-1', 'there')",
      );
      for (let round = 0; round < 3; round++) await machine.sync();
      assert.equal((await machine.get("tasks", "t1"))?.title, "there");
      assert.deepEqual(await inCloud("tasks", "id"), [{ id: "t0" }, { id: "t1" }]);
      assert.equal(machine.waiting, 1);
      assert.match(machine.lane.last_error?.message ?? "", /projects/);
    } finally {
      await cloud.ddl(repair);
    }
    await machine.sync();
    assert.equal(machine.waiting, 0);
    assert.equal(machine.lane.last_error, null);
  });
}

test("has a child wait for as long as its parent's table is paused", async (machine) => {
  await machine.sync();
  await cloud.ddl("REVOKE ALL ON projects FROM authenticated");
  try {
    await machine.put("projects", "p1", { name: "house" });
    await machine.put("tasks", "t1", { project_id: "p1" });
    for (let round = 0; round < 12; round++) await machine.sync();
    assert.equal(machine.lane.rows_rejected, 0);
    assert.equal(machine.waiting, 2);
  } finally {
    await cloud.ddl("GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO authenticated");
  }
  for (let round = 0; round < 2; round++) await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.deepEqual(await inCloud("tasks", "id, project_id"), [{ id: "t1", project_id: "p1" }]);
});

test("sets a row aside that a policy refuses, its deletion too, and lets the others pass", async (machine) => {
  await cloud.ddl(
    `CREATE POLICY "no secrets" ON projects AS RESTRICTIVE FOR ALL TO authenticated
       USING (true) WITH CHECK (name IS DISTINCT FROM 'secret')`,
  );
  try {
    for (const name of ["a", "secret", "c"]) await machine.put("projects", name, { name });
    await machine.sync();
    assert.deepEqual((await inCloud("projects", "id")).map(({ id }) => id), ["a", "c"]);
    assert.equal(machine.lane.rows_rejected, 1);
    assert.equal(machine.waiting, 0);
    // It never reached the cloud: its deletion has nothing to say there.
    await machine.remove("projects", "secret");
    await machine.sync();
    assert.deepEqual([machine.waiting, machine.lane.rows_rejected], [0, 0]);
    // One that is there, and may not be changed any more, does not block the others either.
    await machine.patch("projects", "a", { name: "secret" });
    await machine.put("projects", "d", { name: "d" });
    await machine.sync();
    await machine.remove("projects", "a");
    await machine.put("projects", "e", { name: "e" });
    await machine.sync();
    assert.deepEqual((await inCloud("projects", "id")).map(({ id }) => id), ["a", "c", "d", "e"]);
    assert.equal(machine.waiting, 0);
  } finally {
    await cloud.ddl('DROP POLICY "no secrets" ON projects');
  }
});

test("takes a plain DELETE in the cloud for a deletion, and a row that moves away for one", async (machine) => {
  await machine.put("projects", "p1", { name: "house" });
  await machine.put("projects", "p2", { name: "garden" });
  await machine.put("tasks", "t1", { project_id: "p1" });
  await machine.sync();
  await later();
  await cloud.sql("DELETE FROM projects WHERE id = 'p1'");
  await cloud.sql("UPDATE projects SET system_id = 'pc-9' WHERE id = 'p2'");
  await machine.sync();
  assert.deepEqual(machine.all(), {});
});

test("has its warning of many changes end when they have gone", async (machine) => {
  await Promise.all(
    Array.from({ length: 1_001 }, (_, n) => machine.put("projects", `p${n}`, { name: "x" })),
  );
  assert.deepEqual(machine.warnings.list().map(({ code }) => code), ["records.waiting"]);
  await machine.engine.reset("records");
  assert.deepEqual(machine.warnings.list(), []);
});

test("empties in the cloud what a PUT leaves out here", async (machine) => {
  await machine.put("projects", "p1", { name: "house", status: "open" });
  await machine.sync();
  await later();
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  await machine.sync();
  assert.deepEqual(await inCloud("projects", "name, status"), [{ name: "house", status: null }]);
  assert.equal((await machine.get("projects", "p1"))?.status, null);
});

const wrongClock = offsetClock();
test("comes to rest when the cloud puts a stamp right", async (machine) => {
  wrongClock.offsetMs = DAY_MS;
  await machine.put("projects", "p1", { name: "from tomorrow" });
  wrongClock.offsetMs = 0;
  for (let n = 0; n < 3; n++) await machine.sync();
  cloud.requests.length = 0;
  await machine.sync();
  assert.ok(cloud.requests.every(({ method }) => method === "GET"), JSON.stringify(cloud.requests));
  assert.deepEqual(machine.conflicts, []);
  await later();
  await cloud.sql("UPDATE projects SET name = 'from today' WHERE id = 'p1'");
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "from today");
}, { clock: wrongClock });

test("keeps what the cloud knows and this machine does not", async (machine) => {
  await cloud.ddl("ALTER TABLE projects ADD COLUMN colour text");
  try {
    await cloud.sql(
      "INSERT INTO projects (id, system_id, name, colour) VALUES ('p1', 'pc-1', 'house', 'red')",
    );
    await machine.sync();
    await later();
    await machine.patch("projects", "p1", { name: "villa" });
    await machine.sync();
    assert.deepEqual(await inCloud("projects", "name, colour"), [{ name: "villa", colour: "red" }]);
  } finally {
    await cloud.ddl("ALTER TABLE projects DROP COLUMN colour");
  }
});

test("reads 2 500 rows with one stamp, each once", async (machine) => {
  await cloud.sql(
    `INSERT INTO projects (id, system_id, name)
     SELECT 'p' || lpad(n::text, 5, '0'), 'pc-1', 'one of many' FROM generate_series(1, 2500) n`,
  );
  await stampArrival("projects", "now() - interval '1 hour'");
  await machine.sync();
  assert.equal(Object.keys(machine.all()).length, 2_500);
  assert.equal(machine.news.length, 2_500);
});

test("finds a row that was committed late, with a stamp before what was read already", async (machine) => {
  await shared(machine);
  await cloud.sql("INSERT INTO projects (id, system_id, name) VALUES ('late', 'pc-1', 'late')");
  await stampArrival("projects", "now() - interval '30 seconds'", "late");
  await machine.sync();
  assert.ok(await machine.get("projects", "late"));
});

test("takes only its own system's rows, and no other account sees them", async (machine) => {
  await shared(machine);
  const supabase = { email: cloud.bob.email, password: cloud.bob.password };
  await using other = new Machine(cloud, { systemId: "pc-2", supabase });
  await using stranger = new Machine(cloud, { systemId: "pc-1", supabase });
  await other.put("projects", "x1", { name: "bob's" });
  await other.sync();
  await stranger.put("projects", "x2", { name: "not his system" });
  await stranger.sync();
  await machine.sync();
  assert.deepEqual(Object.keys(machine.all()), ["projects/p1"]);
  assert.deepEqual(Object.keys(other.all()), ["projects/x1"]);
  assert.deepEqual(Object.keys(stranger.all()), ["projects/x2"]);
  assert.equal(stranger.lane.state, "failed");
  assert.match(stranger.lane.last_error?.message ?? "", /belongs to another account/);
});

test("reads everything anew when it was away for longer than tombstones are kept", async (machine) => {
  await shared(machine);
  await machine.put("projects", "p2", { name: "gone meanwhile" });
  await machine.put("projects", "p3", { name: "edited here meanwhile" });
  await machine.sync();
  // Years pass: p2 and p3 are deleted, and their tombstones purged.
  machine.store.db.exec(
    "UPDATE meta SET value = '2020-01-01T00:00:00.000Z' WHERE key LIKE 'records.read.%'",
  );
  await cloud.sql("DELETE FROM projects WHERE id IN ('p2', 'p3')");
  await cloud.sql("SELECT purge_tombstones('0 days')");
  await machine.patch("projects", "p3", { name: "still wanted" });
  await later();
  await machine.sync();
  assert.deepEqual(Object.keys(machine.all()), ["projects/p1", "projects/p3"]);
  assert.deepEqual(await inCloud("projects", "id"), [{ id: "p1" }, { id: "p3" }]);
});

test("clears the queue and reads everything anew on reset", async (machine) => {
  await shared(machine);
  await machine.patch("projects", "p1", { name: "never sent" });
  await machine.put("tasks", "t9", { title: "never sent" });
  await machine.engine.reset("records");
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.equal((await machine.get("projects", "p1"))?.name, "house");
  assert.equal(await machine.get("tasks", "t9"), undefined);
  assert.deepEqual(machine.conflicts, []);
});

test("brings parents before their children, and children before their parents when deleting", async (machine) => {
  await machine.put("results", "r1", { task_id: "t1", status: "ok" });
  await machine.put("tasks", "t1", { project_id: "p1" });
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.lane.requests_failed, 0);
  assert.equal(machine.waiting, 0);
  for (const [table, id] of [["projects", "p1"], ["tasks", "t1"], ["results", "r1"]] as const) {
    await machine.remove(table, id);
  }
  cloud.requests.length = 0;
  await machine.sync();
  const posts = cloud.requests.filter(({ method }) => method === "POST").map(({ path }) =>
    path.replace(/^\/rest\/v1\/(\w+).*$/, "$1")
  );
  assert.deepEqual(posts, ["results", "tasks", "projects"]);
});

test("warns while more than 1 000 changes wait", async (machine) => {
  const warned = () => machine.warnings.list().some(({ code }) => code === "records.waiting");
  cloud.plug.pull();
  for (let n = 0; n < 1_000; n++) await machine.put("projects", `p${n}`, { name: "many" });
  assert.equal(warned(), false);
  await machine.put("projects", "one more", { name: "many" });
  assert.equal(warned(), true);
  cloud.plug.push();
  await machine.sync();
  assert.equal(machine.waiting, 0);
  assert.equal(warned(), false);
  assert.equal((await cloud.sql("SELECT 1 FROM projects")).length, 1_001);
});

test("keeps a table of one's own, whose key has another name, on both sides", async (machine) => {
  await cloud.ddl(
    `CREATE TABLE plain (part_no text PRIMARY KEY, system_id text, price numeric, updated_at timestamptz,
       deleted_at timestamptz, received_at timestamptz);
     SELECT clockblock_records('plain', 'part_no');
     GRANT ALL ON plain TO authenticated;`,
  );
  await machine.put("plain", "A-1", { price: 5 });
  await cloud.sql("INSERT INTO plain (part_no, system_id, price) VALUES ('B-2', 'pc-1', 7)");
  await machine.sync();
  assert.deepEqual(await cloud.sql("SELECT part_no, price::int FROM plain ORDER BY 1"), [
    { part_no: "A-1", price: 5 },
    { part_no: "B-2", price: 7 },
  ]);
  assert.equal((await machine.get("plain", "B-2"))?.price, 7);
  // What the cloud keeps in its place is found by that key as well.
  await machine.patch("plain", "A-1", { price: 6 });
  cloud.meanwhile = () =>
    cloud.sql("UPDATE plain SET price = 9, updated_at = now() + interval '1 second'");
  await machine.sync();
  assert.deepEqual(machine.all(), { "plain/A-1": { price: 9 }, "plain/B-2": { price: 7 } });
  assert.deepEqual(machine.conflicts, [{ kind: "edit/edit", winner: "remote", record_id: "A-1" }]);
  assert.equal(machine.waiting, 0);
}, { tables: [{ name: "plain", key: "part_no" }] });

const fastClock = offsetClock();
fastClock.offsetMs = DAY_MS;
test("writes the cloud's time on its edits when its own clock is a day ahead", async (machine) => {
  await machine.put("projects", "p1", { name: "mine" });
  await machine.sync();
  const [row] = await cloud.sql<{ ahead: number }>(
    "SELECT extract(epoch FROM updated_at - now()) AS ahead FROM projects",
  );
  assert.ok(Math.abs(Number(row!.ahead)) < 5, `${row!.ahead} s`);
  assert.ok(machine.warnings.list().some(({ code }) => code.startsWith("sync.clock.")));
  await systemClock.wait(1_100);
  await cloud.sql("UPDATE projects SET name = 'theirs' WHERE id = 'p1'");
  await machine.sync();
  assert.equal((await machine.get("projects", "p1"))?.name, "theirs");
}, { clock: fastClock });

Deno.test.afterAll(() => cloud[Symbol.asyncDispose]());

/** A record that both sides have. */
async function shared(machine: Machine): Promise<void> {
  await machine.put("projects", "p1", { name: "house" });
  await machine.sync();
  assert.equal(machine.waiting, 0);
  await later();
}

async function inCloud(table: string, columns: string): Promise<Record<string, unknown>[]> {
  return await cloud.sql(`SELECT ${columns} FROM ${table} ORDER BY id`);
}

/** Has rows arrive at another time than the trigger says. */
async function stampArrival(table: string, at: string, id?: string): Promise<void> {
  await cloud.ddl(
    `ALTER TABLE ${table} DISABLE TRIGGER last_write_wins;
     UPDATE ${table} SET received_at = ${at} ${id === undefined ? "" : `WHERE id = '${id}'`};
     ALTER TABLE ${table} ENABLE TRIGGER last_write_wins;`,
  );
}

/** Stamps are of whole milliseconds: what comes now is later than what was. */
async function later(): Promise<void> {
  await systemClock.wait(3);
}

function offsetClock(): Clock & { offsetMs: number } {
  const clock = { ...systemClock, offsetMs: 0, now: () => Date.now() + clock.offsetMs };
  return clock;
}
