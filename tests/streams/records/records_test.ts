/**
 * The records stream on a real database, with a cloud that is a plain object of rows.
 * @module
 */
import assert from "node:assert/strict";
import {
  exactNumber,
  Hub,
  type JsonObject,
  type Page,
  Readers,
  type Row,
  Warnings,
} from "../../../src/core/mod.ts";
import { createRecords, migrations } from "../../../src/streams/records/mod.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";
import { listed } from "../../support/listed.ts";
import { logged } from "../../support/logged.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempStore } from "../../support/temp.ts";

const TABLES = [
  { name: "projects" },
  { name: "tasks" },
];

function setUp({ tombstoneDays = 90 } = {}) {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  const temp = tempStore(migrations, { clock });
  const { store } = temp;
  const hub = new Hub();
  const news: unknown[] = [];
  hub.subscribe(({ data }) => news.push(data));
  const warnings = new Warnings({ clock });
  const stream = createRecords({
    ...streamDeps(store, { hub, warnings, clock }),
    tombstoneDays,
  }, { records: { tables: TABLES, sync_interval_sec: 10 } });
  const outbox = stream.outbox!;
  const inbox = stream.inbox!;

  const call = async (method: string, path: string, body?: JsonObject) => {
    const [, table, id] = /^\/records\/(\w+)(?:\/(.+))?$/.exec(path)!;
    const route = stream.routes!.find((candidate) =>
      candidate.method === method &&
      candidate.path === `/records/{table}${id === undefined ? "" : "/{id}"}`
    )!;
    const answer = await route.handle({
      params: { table, id },
      query: { limit: 100, deleted: false },
      body,
      raw: new Request(`http://127.0.0.1${path}`),
      text: () => Promise.resolve(""),
      bytes: () => Promise.resolve(new Uint8Array()),
      closing: new AbortController().signal,
      readers: new Readers(),
    });
    return listed(answer) as { answer: JsonObject; status: number } | JsonObject;
  };

  /** Pushes all that waits; what was pushed, as `operation table/id` and the rows. */
  const push = async () => {
    const sent: string[] = [];
    const rows: Row[] = [];
    for (;;) {
      const batch = outbox.pending(100);
      if (batch.rows.length === 0) return { sent, rows };
      for (const row of batch.rows) sent.push(`${batch.operation} ${batch.table}/${row.id}`);
      rows.push(...batch.rows);
      await store.write(() => outbox.settle(batch.rows.map(({ id }) => id), now()));
    }
  };
  const now = () => new Date(clock.now()).toISOString();
  const pull = (table: string, ...rows: Row[]) =>
    store.write(() => {
      const last = rows.at(-1);
      const cursor = last ? { updatedAt: String(last.updated_at), id: last.id } : null;
      return inbox.apply({ table, rows, cursor, more: false });
    });
  const cloudRow = (id: string, fields: JsonObject): Row => ({
    id,
    system_id: "pc-1",
    updated_at: now(),
    deleted_at: null,
    ...fields,
  });
  const waiting = () => outbox.depth().rows;
  return {
    ...temp,
    clock,
    stream,
    outbox,
    inbox,
    warnings,
    news,
    call,
    push,
    pull,
    cloudRow,
    waiting,
  };
}

Deno.test("Records sends several edits of one record as one", async () => {
  using world = setUp();
  const { call, push } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  await call("PATCH", "/records/tasks/1", { title: "b", done: true });
  assert.deepEqual((await push()).rows.map(({ title, done }) => ({ title, done })), [
    { title: "b", done: true },
  ]);
});

Deno.test("Records says nothing of a record that was made and deleted between two syncs", async () => {
  using world = setUp();
  const { call, push, waiting } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  await call("DELETE", "/records/tasks/1");
  assert.equal(waiting(), 0);
  assert.deepEqual((await push()).sent, []);
});

Deno.test("Records deletes in the cloud what may have reached it", async () => {
  using world = setUp();
  const { call, push, outbox } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  outbox.pending(100);
  await call("DELETE", "/records/tasks/1");
  assert.deepEqual((await push()).sent, ["delete tasks/1"]);
});

Deno.test("Records sends deletes, then updates, then inserts, parents first", async () => {
  using world = setUp();
  const { call, push, clock } = world;
  for (const id of ["1", "2"]) {
    await call("PUT", `/records/projects/${id}`, { name: id });
    await call("PUT", `/records/tasks/${id}`, { title: id });
  }
  assert.deepEqual((await push()).sent, [
    "insert projects/1",
    "insert projects/2",
    "insert tasks/1",
    "insert tasks/2",
  ]);
  clock.set(clock.now() + 1_000);
  await call("PUT", "/records/tasks/3", { title: "3" });
  await call("PATCH", "/records/tasks/2", { title: "2b" });
  await call("PATCH", "/records/projects/2", { name: "2b" });
  await call("DELETE", "/records/projects/1");
  await call("DELETE", "/records/tasks/1");
  assert.deepEqual((await push()).sent, [
    "delete tasks/1",
    "delete projects/1",
    "update projects/2",
    "update tasks/2",
    "insert tasks/3",
  ]);
});

Deno.test("Records keeps an edit that comes while the one before it is on its way", async () => {
  using world = setUp();
  const { call, push, outbox, store } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  const batch = outbox.pending(100);
  await call("PATCH", "/records/tasks/1", { title: "b" });
  await store.write(() =>
    outbox.settle(batch.rows.map(({ id }) => id), "2026-03-02T12:00:00.000Z")
  );
  assert.deepEqual((await push()).rows.map(({ title }) => title), ["b"]);
});

Deno.test("Records lets what failed go behind what did not", async () => {
  using world = setUp();
  const { call, outbox, store } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  const batch = outbox.pending(100);
  await store.write(() => {
    outbox.attempted?.({ at: "2026-03-02T12:00:00.000Z", batch, status: "error", error: "23503" });
  });
  await call("PUT", "/records/tasks/2", { title: "b" });
  assert.deepEqual(outbox.pending(100).rows.map(({ id }) => id), ["2"]);
});

Deno.test("Records keeps a rejected row with its reason, sends it again when asked, and gives it up when told", async () => {
  using world = setUp();
  const { call, outbox, store, waiting } = world;
  const reject = () => {
    const batch = outbox.pending(100);
    return store.write(() =>
      outbox.reject([{ id: "1", code: "23514", message: "check" }], "2026-03-02T12:00:00.000Z")
    ).then(() => batch);
  };
  await call("PUT", "/records/tasks/1", { title: "a" });
  await reject();
  assert.equal(waiting(), 0);
  const [kept] = store.rejected.list("records");
  assert.deepEqual([kept?.id, kept?.code, kept?.table], ["tasks/1", "23514", "tasks"]);

  await store.write(() => outbox.readmit(["tasks/1"]));
  assert.equal(waiting(), 1);
  await reject();
  await store.write(() => outbox.discard(["tasks/1"]));
  assert.equal(waiting(), 0);
  assert.deepEqual(store.rejected.list("records"), []);
});

Deno.test("Records replaces a rejected change by the next edit", async () => {
  using world = setUp();
  const { call, outbox, store, push } = world;
  await call("PUT", "/records/tasks/1", { title: "" });
  outbox.pending(100);
  await store.write(() =>
    outbox.reject([{ id: "1", message: "empty" }], "2026-03-02T12:00:00.000Z")
  );
  await call("PATCH", "/records/tasks/1", { title: "better" });
  assert.deepEqual(store.rejected.list("records"), []);
  assert.deepEqual((await push()).rows.map(({ title }) => title), ["better"]);
});

Deno.test("Records applies what the cloud sends, tells of it, and makes no local change of it", async () => {
  using world = setUp();
  const { call, pull, cloudRow, waiting, news } = world;
  await pull("tasks", cloudRow("1", { title: "from afar" }));
  assert.equal((await call("GET", "/records/tasks/1") as JsonObject).title, "from afar");
  assert.equal(waiting(), 0);
  const [told] = news as { table: string; origin: string }[];
  assert.deepEqual([told?.table, told?.origin], ["tasks", "cloud"]);
});

Deno.test("Records does not take the echo of its own push for a change", async () => {
  using world = setUp();
  using log = logged("conflicts");
  const { call, push, pull, waiting } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  const { rows } = await push();
  const result = await pull("tasks", ...rows);
  assert.deepEqual([result.applied, result.conflicts, waiting()], [0, 0, 0]);
  assert.deepEqual(log.entries, []);
});

Deno.test("Records ignores rows of other systems", async () => {
  using world = setUp();
  const { pull, cloudRow, call } = world;
  await pull("tasks", cloudRow("1", { title: "x", system_id: "pc-2" }));
  await assert.rejects(() => call("GET", "/records/tasks/1"), { status: 404 });
});

Deno.test("Records brings back what was deleted here and edited in the cloud, with a warning", async () => {
  using world = setUp();
  const { call, push, pull, cloudRow, clock, warnings, waiting } = world;
  using log = logged("conflicts");
  await call("PUT", "/records/tasks/1", { title: "a" });
  await push();
  clock.set(clock.now() + 1_000);
  const edited = cloudRow("1", { title: "b" });
  clock.set(clock.now() + 1_000);
  await call("DELETE", "/records/tasks/1");
  await pull("tasks", edited);
  await settled();
  assert.equal((await call("GET", "/records/tasks/1") as JsonObject).title, "b");
  assert.equal(waiting(), 0);
  assert.deepEqual(warnings.list().map(({ code }) => code), ["records.restored"]);
  assert.deepEqual(log.entries.map(({ kind }) => kind), ["delete/edit"]);
});

Deno.test("Records stamps a change later than what it changes, also when the clock was set back", async () => {
  using world = setUp();
  const { call, clock } = world;
  const put = await call("PUT", "/records/tasks/1", { title: "a" }) as { answer: JsonObject };
  clock.set(clock.now() - 3_600_000);
  const patched = await call("PATCH", "/records/tasks/1", { title: "b" }) as JsonObject;
  assert.ok(String(patched.updated_at) > String(put.answer.updated_at));
});

Deno.test("Records reads a table anew after the tombstones' time, and drops what is gone in the cloud", async () => {
  using world = setUp({ tombstoneDays: 30 });
  const { pull, cloudRow, clock, inbox, call } = world;
  await pull("tasks", cloudRow("1", { title: "stays" }), cloudRow("2", { title: "goes" }));
  assert.notEqual(inbox.cursor("tasks"), null);
  await call("PUT", "/records/tasks/3", { title: "of this machine" });
  clock.set(clock.now() + 31 * 86_400_000);
  assert.equal(inbox.cursor("tasks"), null);
  await pull("tasks", cloudRow("1", { title: "stays" }));
  assert.notEqual(inbox.cursor("tasks"), null);
  await assert.rejects(() => call("GET", "/records/tasks/2"), { status: 404 });
  for (const id of ["1", "3"]) await call("GET", `/records/tasks/${id}`);
});

Deno.test("Records drops in parts what is gone in the cloud, all of it also from a table that is empty there", async () => {
  using world = setUp({ tombstoneDays: 30 });
  const { cloudRow, clock, inbox, call, store, stream } = world;
  const ids = Array.from({ length: 3_000 }, (_, n) => `${10_000 + n}`);
  const pages = async (page: Page) => {
    for (let calls = 1;; calls++) {
      const { more } = await store.write(() => inbox.apply(page));
      if (!more) return calls;
      page = { ...page, rows: [] };
    }
  };
  const rows = ids.map((id) => cloudRow(id, { title: "t".repeat(100) }));
  const cursor = { updatedAt: rows[0]!.updated_at as string, id: ids.at(-1)! };
  await pages({ table: "tasks", rows, cursor, more: false });
  // As many that are of this machine, and stay.
  for (let n = 0; n < 1_200; n++) await call("PUT", `/records/tasks/${n}`, { title: "here" });
  clock.set(clock.now() + 31 * 86_400_000);
  assert.ok(await pages({ table: "tasks", rows: [], cursor: null, more: false }) > 1);
  assert.equal(inbox.reading!(), null);
  const [, tasks] = await Promise.resolve(
    stream.routes!.find(({ path }) => path === "/records")!.handle({} as never),
  ) as { name: string; rows: number }[];
  assert.equal(tasks!.name, "tasks");
  assert.equal(tasks!.rows, 1_200);
});

for (const interruption of ["a reset", "more than the tombstones' time"]) {
  Deno.test(`Records begins a reading again when ${interruption} comes into the removal of what is gone`, async () => {
    using world = setUp({ tombstoneDays: 30 });
    const { call, cloudRow, clock, inbox, pull, push, store, stream } = world;
    const rows = Array.from({ length: 3_000 }, (_, n) => cloudRow(`${n}`, { title: "here" }));
    await pull("tasks", ...rows);
    clock.set(clock.now() + 31 * 86_400_000);
    const empty: Page = { table: "tasks", rows: [], cursor: null, more: false };
    await call("PATCH", "/records/tasks/0", { title: "waits" });
    assert.equal((await store.write(() => inbox.apply(empty))).more, true);
    await call("GET", "/records/tasks/0");
    if (interruption === "a reset") await stream.reset.run();
    else {
      await push();
      clock.set(clock.now() + 31 * 86_400_000);
    }
    assert.equal(inbox.cursor("tasks"), null);
    await pull("tasks", ...rows.slice(1));
    await assert.rejects(() => call("GET", "/records/tasks/0"), { status: 404 });
    const { n } = store.db.prepare("SELECT count(*) AS n FROM records").get()!;
    assert.equal(n, rows.length - 1);
  });
}

Deno.test("Records reads a table anew that was last read by a clock far ahead", async () => {
  using world = setUp({ tombstoneDays: 30 });
  const { pull, cloudRow, clock, inbox } = world;
  const now = clock.now();
  clock.set(now + 4_000 * 86_400_000);
  await pull("tasks", cloudRow("1", { title: "stays" }));
  clock.set(now);
  assert.equal(inbox.cursor("tasks"), null);
  await pull("tasks", cloudRow("1", { title: "stays" }));
  assert.notEqual(inbox.cursor("tasks"), null);
});

Deno.test("Records forgets what was not pushed when it is reset, and takes the cloud's word", async () => {
  using world = setUp();
  const { call, push, pull, stream, waiting, inbox } = world;
  await call("PUT", "/records/tasks/1", { title: "known" });
  const { rows } = await push();
  await call("PATCH", "/records/tasks/1", { title: "lost" });
  await call("PUT", "/records/tasks/2", { title: "never sent" });
  assert.equal(stream.reset.loses(), 2);
  const { updated_at } = await call("GET", "/records/tasks/1") as JsonObject;
  await stream.reset.run();
  assert.equal(waiting(), 0);
  // Until the cloud has spoken, it stays as it was.
  assert.equal((await call("GET", "/records/tasks/1") as JsonObject).updated_at, updated_at);
  assert.equal(inbox.cursor("tasks"), null);
  await pull("tasks", ...rows);
  assert.equal((await call("GET", "/records/tasks/1") as JsonObject).title, "known");
  await assert.rejects(() => call("GET", "/records/tasks/2"), { status: 404 });
});

Deno.test("Records warns while more than 1000 changes wait, and counts the conflicts of a day", async () => {
  using world = setUp();
  const { call, pull, cloudRow, stream, outbox, store, warnings, clock } = world;
  for (let n = 0; n <= 1_000; n++) await call("PUT", `/records/projects/${n}`, {});
  assert.match(warnings.list()[0]?.message ?? "", /^More than 1000 changes of records wait/);
  await clock.advance(1_000);
  await pull("projects", cloudRow("7", { name: "theirs" }));
  assert.equal(
    stream.gauges!().find(({ name }) => name === "records_conflicts_last_day")?.value,
    1,
  );
  assert.deepEqual(stream.status!().records, {
    waiting: 1_000,
    conflicts_24h: 1,
    conflicts_unseen: 1,
    realtime: null,
    realtime_since: null,
  });
  const batch = outbox.pending(100);
  await store.write(() => {
    outbox.settle(batch.rows.map(({ id }) => id), "2026-03-02T12:00:01.000Z");
  });
  await store.write(() =>
    outbox.attempted!({ at: "2026-03-02T12:00:01.000Z", batch, status: "ok" })
  );
  assert.deepEqual(warnings.list(), []);
  await clock.advance(86_400_001);
  assert.equal(
    stream.gauges!().find(({ name }) => name === "records_conflicts_last_day")?.value,
    0,
  );
});

Deno.test("Records keeps a later edit when the cloud's answer is to the one before", async () => {
  using world = setUp();
  const { call, push, pull, clock, store, outbox, cloudRow, waiting } = world;
  await pull("tasks", cloudRow("1", { title: "theirs" }));
  await clock.advance(1_000);
  await call("PATCH", "/records/tasks/1", { title: "first" });
  assert.equal(outbox.pending(100).rows.length, 1);
  await clock.advance(1_000);
  const theirs = cloudRow("1", { title: "between" });
  await clock.advance(1_000);
  const stamp = new Date(clock.now()).toISOString();
  await call("PATCH", "/records/tasks/1", { title: "second" });
  await store.write(() => outbox.yieldTo?.([theirs], stamp));
  assert.equal(waiting(), 1);
  const { rows } = await push();
  // As it was made: an answer to what it replaced changes nothing of it.
  assert.deepEqual(rows.map(({ title, updated_at }) => [title, updated_at]), [["second", stamp]]);
});

Deno.test("Records tells of nothing that was undone", async () => {
  using world = setUp();
  const { store, inbox, news, cloudRow } = world;
  const undone = store.write(() => {
    inbox.apply({ table: "tasks", rows: [cloudRow("1", {})], cursor: null, more: false });
    throw new Error("undone");
  });
  await assert.rejects(undone, /undone/);
  assert.deepEqual(news, []);
});

Deno.test("Records takes a push whose answer was lost for done when the cloud has it", async () => {
  using world = setUp();
  const { call, push, pull, outbox, waiting } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  const [sent] = outbox.pending(100).rows;
  assert.equal(waiting(), 1);
  await pull("tasks", { ...sent!, made_by: "a default of the cloud" });
  assert.equal(waiting(), 0);
  assert.deepEqual((await push()).sent, []);
});

Deno.test("Records pushes its edit with a later stamp where the cloud has another of the same moment", async () => {
  using world = setUp();
  const { call, push, pull, cloudRow } = world;
  await call("PUT", "/records/tasks/1", { title: "ours" });
  const theirs = cloudRow("1", { title: "theirs" });
  await pull("tasks", theirs);
  const { rows } = await push();
  assert.equal(rows[0]?.title, "ours");
  assert.ok(String(rows[0].updated_at) > String(theirs.updated_at), String(rows[0].updated_at));
});

Deno.test("Records goes on where it read, over pages and a restart", async () => {
  using world = setUp();
  const { store, inbox, cloudRow } = world;
  assert.equal(inbox.cursor("tasks"), null);
  const cursor = { updatedAt: "2026-03-01T00:00:00.000Z", id: "1" };
  await store.write(() =>
    inbox.apply({ table: "tasks", rows: [cloudRow("1", {})], cursor, more: true })
  );
  assert.deepEqual(inbox.cursor("tasks"), cursor);
});

Deno.test("Records keeps what was not pushed when a table is read anew, and drops what is gone", async () => {
  using world = setUp({ tombstoneDays: 90 });
  const { call, push, pull, clock, inbox, cloudRow, waiting } = world;
  await pull("tasks", cloudRow("gone", {}), cloudRow("edited", {}));
  await call("PUT", "/records/tasks/new", { title: "never pushed" });
  await clock.advance(89 * 86_400_000);
  assert.notEqual(inbox.cursor("tasks"), null);
  await clock.advance(2 * 86_400_000);
  assert.equal(inbox.cursor("tasks"), null);
  await call("PATCH", "/records/tasks/edited", { title: "not pushed" });
  await pull("tasks", cloudRow("other", {}));
  await assert.rejects(call("GET", "/records/tasks/gone"), /No such record/);
  for (const id of ["new", "edited", "other"]) await call("GET", `/records/tasks/${id}`);
  assert.equal(waiting(), 2);
  assert.deepEqual((await push()).sent, ["update tasks/edited", "insert tasks/new"]);
});

Deno.test("Records keeps what the cloud was sent for a day", async () => {
  using world = setUp();
  const { call, push, clock, store, stream } = world;
  await call("PUT", "/records/tasks/1", { title: "a" });
  await push();
  const prune = () =>
    store.write(() => stream.prune!(new Date(clock.now()).toISOString(), { left: () => true }));
  await clock.advance(23 * 3_600_000);
  assert.equal((await prune()).deleted, 0);
  await clock.advance(2 * 3_600_000);
  assert.equal((await prune()).deleted, 1);
});

Deno.test("Records refuses a body that belongs to another record", async () => {
  using world = setUp();
  const { call } = world;
  await assert.rejects(() => call("PUT", "/records/tasks/1", { id: "2", title: "a" }), {
    status: 400,
    detail: 'body "id": expected "1" as in the path, or none',
  });
});

Deno.test("Records keeps a number that JavaScript cannot hold while another field is edited", async () => {
  using world = setUp();
  const { call, push, pull, cloudRow } = world;
  const big = exactNumber("12345678901234567890.123") as JsonObject;
  await pull("tasks", cloudRow("1", { title: "a", amount: big, data: { deep: [big] } }));
  await call("PATCH", "/records/tasks/1", { title: "b" });
  const { rows: [sent] } = await push();
  assert.match(JSON.stringify(sent), /"amount":12345678901234567890\.123,/);
  assert.match(JSON.stringify(sent), /"deep":\[12345678901234567890\.123\]/);
});
