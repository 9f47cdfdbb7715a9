/** The records over HTTP: tables, filtered lists, new records, batches, conflicts that were seen. @module */
import assert from "node:assert/strict";
import { exactNumber, Hub, type JsonObject, type Row } from "../../../../src/core/mod.ts";
import { createRecords, migrations } from "../../../../src/streams/records/mod.ts";
import { testApi } from "../../../support/api.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { streamDeps } from "../../../support/stream_deps.ts";
import { tempStore } from "../../../support/temp.ts";

const START = "2026-03-02T12:00:00.000Z";

function setUp() {
  using cleanup = new DisposableStack();
  const clock = new FakeClock(START);
  const { store } = cleanup.use(tempStore(migrations, { clock }));
  const hub = new Hub();
  const stream = createRecords(streamDeps(store, { hub, clock }), {
    records: {
      tables: [{ name: "projects" }, { name: "parts", key: "part_no" }],
      sync_interval_sec: 10,
    },
  });
  const { ask } = cleanup.use(testApi({ routes: stream.routes!, store, hub }));
  const news: JsonObject[] = [];
  hub.subscribe(({ topic, data }) => topic === "records" && news.push(data as JsonObject));
  const call = async (method: string, path: string, json?: unknown, headers = {}) => {
    const response = await ask(path, {
      method,
      headers,
      ...(json === undefined ? {} : { json }),
    });
    const text = await response.text();
    return {
      status: response.status,
      answer: text === "" ? undefined : JSON.parse(text),
      text,
      location: response.headers.get("location"),
      next: /<([^>]*)>/.exec(response.headers.get("link") ?? "")?.[1],
    };
  };
  /** All of a list, and how many pages it took. */
  const pages = async (path: string) => {
    const rows: JsonObject[] = [];
    let count = 0;
    for (let next: string | undefined = path; next !== undefined; count++) {
      const page = await call("GET", next);
      assert.equal(page.status, 200, page.text);
      rows.push(...page.answer);
      next = page.next;
    }
    return { rows, ids: rows.map(({ id }) => id), count };
  };
  const pull = (table: string, ...rows: Row[]) => {
    const cursor = { updatedAt: String(rows.at(-1)?.updated_at), id: String(rows.at(-1)?.id) };
    return store.write(() => stream.inbox!.apply({ table, rows, cursor, more: false }));
  };
  const tick = (ms = 1_000) => void clock.set(clock.now() + ms);
  /** Rows of the table as if they had been there for long. */
  const fill = (count: number, deleted = false) =>
    store.db.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO records (table_name, record_id, system_id, data, updated_at, deleted_at)
       SELECT 'projects', printf('p-%06d', i), 'pc-1', json_object('n', i), ?, ? FROM n`,
    ).run(count, START, deleted ? START : null);
  const all = cleanup.move();
  return {
    ...{ clock, store, stream, news, ask, call, pages, pull, tick, fill },
    [Symbol.dispose]: () => all.dispose(),
  };
}

Deno.test("GET /records lists the tables: rows, what waits, conflicts, the latest change", async () => {
  using world = setUp();
  const { call, pull, tick } = world;
  assert.deepEqual((await call("GET", "/records")).answer, [
    { name: "projects", key: "id", rows: 0, waiting: 0, conflicts: 0, changed_at: null },
    { name: "parts", key: "part_no", rows: 0, waiting: 0, conflicts: 0, changed_at: null },
  ]);
  await call("PUT", "/records/projects/a", { name: "a" });
  await call("PUT", "/records/projects/b", { name: "b" });
  await call("DELETE", "/records/projects/b");
  tick();
  await pull(
    "projects",
    ...["a", "c"].map((id) => ({
      id,
      system_id: "pc-1",
      updated_at: "2026-03-02T12:00:01.000Z",
      deleted_at: null,
      name: "cloud",
    })),
  );
  const [projects] = (await call("GET", "/records")).answer;
  assert.deepEqual(projects, {
    name: "projects",
    key: "id",
    rows: 2,
    waiting: 0,
    conflicts: 1,
    changed_at: "2026-03-02T12:00:01.000Z",
  });
});

Deno.test("The count of a table's records follows every way in which they come and go", async () => {
  using world = setUp();
  const { call, pull, tick, store, stream } = world;
  const counted = async () => {
    const [{ rows }] = (await call("GET", "/records")).answer;
    const found = store.db.prepare(
      "SELECT count(*) AS n FROM records WHERE table_name = 'projects' AND deleted_at IS NULL",
    ).get();
    assert.equal(rows, found?.n);
    return rows;
  };
  const cloud = (id: string, at: number, deleted = false): Row => ({
    id,
    system_id: "pc-1",
    updated_at: new Date(at).toISOString(),
    deleted_at: deleted ? new Date(at).toISOString() : null,
  });
  await call("PUT", "/records/projects/a", {});
  await call("PUT", "/records/projects/a", { again: true });
  assert.equal(await counted(), 1);
  // Made and deleted before it was sent: not even a tombstone stays.
  await call("DELETE", "/records/projects/a");
  assert.equal(await counted(), 0);
  tick();
  await pull("projects", cloud("b", world.clock.now()), cloud("c", world.clock.now()));
  assert.equal(await counted(), 2);
  tick();
  await pull("projects", cloud("b", world.clock.now(), true));
  assert.equal(await counted(), 1);
  await call("PUT", "/records/projects/b", {});
  assert.equal(await counted(), 2);
  await assert.rejects(store.write(() => {
    stream.inbox!.apply({
      table: "projects",
      rows: [cloud("d", world.clock.now())],
      cursor: null,
      more: false,
    });
    throw new Error("undone");
  }));
  assert.equal(await counted(), 2);
  // Read from the beginning: what the cloud no longer has goes.
  store.db.exec("DELETE FROM sync_cursors");
  await store.write(() =>
    stream.inbox!.apply({ table: "projects", rows: [], cursor: null, more: false })
  );
  assert.equal(await counted(), 1);
});

Deno.test("Records are filtered by the text of several fields, page by page", async () => {
  using world = setUp();
  const { call, pages } = world;
  await call("PUT", "/records/projects/1", { done: true, size: 3 });
  await call("PUT", "/records/projects/2", { done: true, size: "3" });
  await call("PUT", "/records/projects/3", { done: "true", size: 4 });
  await call("PUT", "/records/projects/4", { done: false, size: 3 });
  assert.deepEqual((await pages("/records/projects?done=true")).ids, ["1", "2", "3"]);
  const found = await pages("/records/projects?done=true&size=3&limit=1");
  assert.deepEqual(found.ids, ["1", "2"]);
  assert.equal(found.count, 3);
  assert.deepEqual((await pages("/records/projects?limit=2&nowhere=1")).ids, []);
});

Deno.test("A request reads 10,000 rows at most, and its link goes on from there", async () => {
  using world = setUp();
  const { call, pages, fill } = world;
  fill(20_500);
  const first = await call("GET", "/records/projects?n=20400");
  assert.deepEqual(first.answer, []);
  assert.equal(first.next, "/records/projects?n=20400&after=p-010000");
  assert.deepEqual(await pages("/records/projects?n=20400"), {
    rows: [{
      n: 20_400,
      id: "p-020400",
      system_id: "pc-1",
      updated_at: START,
      deleted_at: null,
    }],
    ids: ["p-020400"],
    count: 3,
  });
});

Deno.test("Deleted records that nobody wants are read within the same bounds", async () => {
  using world = setUp();
  const { call, pages, fill } = world;
  fill(10_500, true);
  await call("PUT", "/records/projects/z", {});
  assert.deepEqual(await pages("/records/projects").then(({ ids, count }) => ({ ids, count })), {
    ids: ["z"],
    count: 2,
  });
  assert.equal((await pages("/records/projects?deleted=true&limit=1000")).ids.length, 10_501);
});

Deno.test("changed_since lists what was changed then or later, in the order of changes", async () => {
  using world = setUp();
  const { call, pages, tick } = world;
  for (const id of ["c", "b", "a"]) {
    await call("PUT", `/records/projects/${id}`, { n: 1 });
    tick();
  }
  await call("PUT", "/records/projects/c", { n: 2 });
  await call("PUT", "/records/projects/d", { n: 2 });
  const since = (at: string, more = "") =>
    pages(`/records/projects?changed_since=${encodeURIComponent(at)}${more}`);
  assert.deepEqual((await since(START)).ids, ["b", "a", "c", "d"]);
  assert.deepEqual((await since("2026-03-02T12:00:02.000Z")).ids, ["a", "c", "d"]);
  assert.deepEqual((await since("2026-03-02T13:00:02.001+01:00")).ids, ["c", "d"]);
  const one = await since(START, "&limit=1&n=2");
  assert.deepEqual(one.ids, ["c", "d"]);
  await call("DELETE", "/records/projects/d");
  await call("DELETE", "/records/projects/a");
  assert.deepEqual((await since("2026-03-02T12:00:02.000Z")).ids, ["c"]);
});

Deno.test("A filter and a time that are wrong are refused with what is allowed", async () => {
  using world = setUp();
  const { call } = world;
  for (
    const [query, wanted] of [
      ["changed_since=yesterday", /"changed_since": expected a time/],
      ["a=1&a=2", /"a": expected one text/],
      ["=1", /1 to 63 characters/],
      ["limit=0", /"limit": expected a whole number/],
    ] as const
  ) {
    const { status, answer } = await call("GET", `/records/projects?${query}`);
    assert.equal(status, 400, query);
    assert.match(answer.detail, wanted);
  }
  assert.match((await call("GET", "/records/nowhere?a=1")).answer.detail, /one of projects, parts/);
});

Deno.test("/openapi.json says that any field may be a parameter of the list", async () => {
  using world = setUp();
  const { paths } = (await world.call("GET", "/openapi.json")).answer;
  const { parameters } = paths["/records/{table}"].get;
  const { description, ...any } = parameters.find(({ name }: { name: string }) => name === "any");
  assert.match(description, /a string as it is, anything else as JSON/);
  assert.deepEqual(any, {
    name: "any",
    in: "query",
    required: false,
    schema: { type: "object", additionalProperties: { type: "string" } },
  });
});

Deno.test("POST makes a record under a new id, in the order of time", async () => {
  using world = setUp();
  const { call, news } = world;
  const first = await call("POST", "/records/projects", { name: "a" });
  const second = await call("POST", "/records/projects", { name: "a" });
  assert.equal(first.status, 201);
  assert.match(first.answer.id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.ok(second.answer.id > first.answer.id);
  assert.equal(first.location, `/records/projects/${first.answer.id}`);
  assert.deepEqual((await call("GET", first.location!)).answer, first.answer);
  assert.equal(news.length, 2);
  const named = await call("POST", "/records/projects", { id: "mine" });
  assert.equal(named.status, 400);
  assert.match(named.answer.detail, /PUT takes one/);
});

Deno.test("POST with a known Idempotency-Key answers the record of the first request", async () => {
  using world = setUp();
  const { call, news, store } = world;
  const post = (name: string, key: string, table = "projects") =>
    call("POST", `/records/${table}`, { name, n: 1 }, { "idempotency-key": key });
  const first = await post("a", "k 1");
  assert.equal(first.status, 201);
  assert.deepEqual(await post("a", "k 1"), { ...first, status: 200, location: null });
  const other = await post("b", "k 1");
  assert.equal(other.status, 422);
  assert.equal(other.answer.title, "Idempotency-Key used twice");
  assert.equal((await post("b", "k 2")).status, 201);
  assert.equal((await post("a", "k 1", "parts")).status, 201);
  // What was edited since is found all the same.
  await call("PATCH", first.location!, { name: "edited" });
  assert.equal((await post("a", "k 1")).answer.name, "edited");
  assert.equal((await post("a", "é")).status, 400);
  assert.equal(news.length, 4);
  assert.equal(store.db.prepare("SELECT count(*) AS n FROM records").get()?.n, 3);
});

Deno.test("A batch puts and deletes in its order, in one commit", async () => {
  using world = setUp();
  const { call, news, stream, store } = world;
  await call("PUT", "/records/projects/old", { n: 1 });
  const commits = store.db.prepare("SELECT count(*) AS n FROM sync_queue");
  const { status, answer } = await call("POST", "/records/projects/batch", [
    { put: { id: "a", n: 1, huge: 0 } },
    { delete: "old" },
    { put: { id: "a", n: 2 } },
  ]);
  assert.equal(status, 200);
  assert.deepEqual(
    answer.map(({ id, n, deleted_at }: JsonObject) => [id, n, deleted_at !== null]),
    [["a", 1, false], ["old", 1, true], ["a", 2, false]],
  );
  assert.equal(news.length, 4);
  // As single requests would leave it: the last state of "a" waits, "old" never reached the cloud.
  assert.equal(commits.get()?.n, 1);
  assert.deepEqual(stream.outbox!.pending(10).rows.map(({ id, n }) => [id, n]), [["a", 2]]);
});

Deno.test("A batch with one edit that cannot be is not stored at all, and says which", async () => {
  using world = setUp();
  const { call, news } = world;
  const refused = await call("POST", "/records/projects/batch", [
    { put: { id: "a", n: 1 } },
    { delete: "nowhere" },
  ]);
  assert.equal(refused.status, 404);
  assert.equal(refused.answer.index, 1);
  assert.match(refused.answer.detail, /^edit 1: .*"nowhere"\. Nothing was stored$/);
  for (
    const [edits, wanted] of [
      [[], /expected an edit/],
      [{ put: {} }, /expected a list of edits/],
      [[{ put: { id: "a" } }, { put: { n: 1 } }], /"1\.put": expected fields with an "id"/],
      [[{ put: { id: "a" } }, { patch: { n: 1 } }], /"1": expected \{ "put"/],
      [Array(501).fill({ delete: "a" }), /at most 500 edits/],
    ] as const
  ) {
    const { status, answer } = await call("POST", "/records/projects/batch", edits);
    assert.equal(status, 400, JSON.stringify(edits).slice(0, 80));
    assert.match(answer.detail, wanted);
  }
  assert.deepEqual(news, []);
  assert.equal((await call("GET", "/records")).answer[0].rows, 0);
});

Deno.test("A batch takes 500 edits, whose numbers survive", async () => {
  using world = setUp();
  const { call, ask } = world;
  const edits = Array.from({ length: 500 }, (_, index) => ({
    put: { id: `p-${index}`, n: exactNumber("12345678901234567890") },
  }));
  assert.equal((await call("POST", "/records/projects/batch", edits)).status, 200);
  assert.match(await (await ask("/records/projects/p-499")).text(), /"n":12345678901234567890,/);
});

Deno.test("Conflicts stay listed when they were seen, some or all of them", async () => {
  using world = setUp();
  const { call, pull, tick, stream } = world;
  for (const id of ["a", "b", "c"]) await call("PUT", `/records/projects/${id}`, { n: 1 });
  tick();
  await pull(
    "projects",
    ...["a", "b", "c"].map((id) => ({
      id,
      system_id: "pc-1",
      updated_at: new Date(world.clock.now()).toISOString(),
      deleted_at: null,
      n: 2,
    })),
  );
  const seen = async () =>
    (await call("GET", "/sync/conflicts")).answer.map(({ id, seen }: JsonObject) => [id, seen]);
  const unseen = () => stream.status!().records as { conflicts_unseen: number };
  assert.equal(unseen().conflicts_unseen, 3);
  assert.deepEqual(await seen(), [[3, false], [2, false], [1, false]]);
  const some = await call("POST", "/sync/conflicts/seen", { ids: [2, 2, 77] });
  assert.deepEqual(some.answer, { seen: 1 });
  assert.deepEqual(await seen(), [[3, false], [2, true], [1, false]]);
  assert.equal(unseen().conflicts_unseen, 2);
  assert.deepEqual((await call("POST", "/sync/conflicts/seen", { all: true })).answer, { seen: 2 });
  assert.equal(unseen().conflicts_unseen, 0);
  assert.equal((await call("POST", "/sync/conflicts/seen", {})).status, 400);
});
