import assert from "node:assert/strict";
import { createAttendance, migrations } from "../../../src/streams/attendance/mod.ts";
import { testApi } from "../../support/api.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempStore } from "../../support/temp.ts";
import { CONFIG } from "./relay.ts";

/** The API of an office with nobody in it. */
function office() {
  using cleanup = new DisposableStack();
  const { store } = cleanup.use(tempStore(migrations));
  const clock = new FakeClock("2026-10-05T12:00:00.000Z");
  const stream = createAttendance(streamDeps(store, { clock }), {
    retention_unsynced_days: 365,
    attendance: CONFIG,
  });
  const { ask } = cleanup.use(testApi({ store, routes: stream.routes! }));
  const all = cleanup.move();
  return {
    store,
    async ask(method: string, path: string, json?: unknown) {
      const response = await ask(path, { method, ...(json === undefined ? {} : { json }) });
      const body = await response.json();
      return { status: response.status, body, link: response.headers.get("link") };
    },
    async upload(path: string, body: string) {
      const headers = { "content-type": "text/csv" };
      const response = await ask(path, { method: "POST", body, headers });
      return { status: response.status, body: await response.json() };
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

const ids = ({ body }: { body: { person_id: string }[] }) => body.map(({ person_id }) => person_id);

Deno.test("PUT /people/{id} makes a person, then changes what is given", async () => {
  using api = office();
  const ann = {
    person_id: "7",
    name: "Ann",
    department: "Sales",
    active: true,
    source: "person",
    aliases: ["1007"],
    updated_at: "2026-10-05T12:00:00.000Z",
  };
  const put = await api.ask("PUT", "/people/7", {
    name: " Ann ",
    department: "Sales",
    aliases: ["1007"],
  });
  assert.deepEqual([put.status, put.body], [200, ann]);
  assert.deepEqual((await api.ask("PUT", "/people/7", { name: "Ann S." })).body, {
    ...ann,
    name: "Ann S.",
  });
  assert.equal((await api.ask("GET", "/people/1007")).body.name, "Ann S.");
  assert.equal((await api.ask("PUT", "/people/1007", { name: null })).body.name, null);
});

const BAD: readonly [what: string, path: string, json: unknown][] = [
  ["a name with control characters", "/people/7", { name: "A\u001bB" }],
  ["a name of 101 characters", "/people/7", { name: "x".repeat(101) }],
  ["an id with blanks", "/people/a%20b", { name: "Ann" }],
  ["an alias that is none", "/people/7", { aliases: ["a b"] }],
  ["an unknown field", "/people/7", { nmae: "Ann" }],
];

for (const [what, path, json] of BAD) {
  Deno.test(`PUT /people/{id} refuses ${what}`, async () => {
    using api = office();
    assert.equal((await api.ask("PUT", path, json)).status, 400);
    assert.deepEqual((await api.ask("GET", "/people")).body, []);
  });
}

Deno.test("PUT /people/{id} refuses an alias that is another person's, and says whose", async () => {
  using api = office();
  await api.ask("PUT", "/people/7", { name: "Ann", aliases: ["1007"] });
  const { status, body } = await api.ask("PUT", "/people/8", { name: "Bo", aliases: ["1007"] });
  assert.deepEqual([status, body.alias, body.person_id], [409, "1007", "7"]);
  assert.equal((await api.ask("GET", "/people/8")).status, 404);
});

Deno.test("DELETE /people/{id} marks a person as left", async () => {
  using api = office();
  await api.ask("PUT", "/people/7", { name: "Ann" });
  const { body } = await api.ask("DELETE", "/people/7");
  assert.deepEqual([body.name, body.active], ["Ann", false]);
  assert.equal((await api.ask("DELETE", "/people/8")).status, 404);
});

Deno.test("GET /people is paged, searched and filtered", async () => {
  using api = office();
  for (let id = 10; id < 40; id++) {
    await api.ask("PUT", `/people/${id}`, {
      name: `Person ${id}`,
      department: id < 20 ? "Sales" : "Store",
      active: id % 2 === 0,
    });
  }
  await api.ask("PUT", "/people/39", { aliases: ["1039"] });
  const seen: string[] = [];
  for (let path: string | undefined = "/people?limit=7"; path !== undefined;) {
    const page: Awaited<ReturnType<typeof api.ask>> = await api.ask("GET", path);
    seen.push(...ids(page));
    path = /<([^>]+)>/.exec(page.link ?? "")?.[1];
  }
  assert.deepEqual(seen, Array.from({ length: 30 }, (_, n) => `${n + 10}`));
  const found = async (query: string) => ids(await api.ask("GET", `/people?${query}`));
  assert.equal((await found("department=Sales")).length, 10);
  assert.equal((await found("active=false")).length, 15);
  assert.deepEqual(await found("q=pERSON%2017"), ["17"]);
  assert.deepEqual(await found("q=1039"), ["39"]);
  assert.deepEqual(await found("q=nobody"), []);
});

Deno.test("POST /people/import takes a list, and a dry run of it writes nothing", async () => {
  using api = office();
  await api.ask("PUT", "/people/7", { name: "Ann", aliases: ["1007"] });
  await api.ask("PUT", "/people/8", { department: "Sales" });
  const body = "id,name,department,aliases\n7,ANN,Sales,\n8,Bo,,\n9,Cy,,1009\n10,Di,,1007\n";
  const dry = await api.upload("/people/import?dry_run=true", body);
  assert.equal(dry.status, 200);
  const { added, changed, unchanged, problems } = dry.body;
  assert.deepEqual(ids({ body: added }), ["9"]);
  assert.deepEqual(ids({ body: changed }), ["7", "8"]);
  assert.equal(changed[0].after.department, "Sales");
  assert.equal(unchanged, 0);
  assert.deepEqual(problems, [
    { line: 2, message: '"7" keeps name "Ann": a person has entered it' },
    { line: 5, message: '"1007" is an alias of "7"' },
  ]);
  assert.deepEqual(ids(await api.ask("GET", "/people")), ["7", "8"]);
  assert.deepEqual((await api.upload("/people/import", body)).body, dry.body);
  assert.deepEqual(ids(await api.ask("GET", "/people")), ["7", "8", "9"]);
  assert.equal((await api.upload("/people/import", "name\nAnn")).status, 422);
});

Deno.test("A list of ten thousand people is taken whole, and answered whole", async () => {
  using api = office();
  const lines = Array.from({ length: 10_000 }, (_, n) => `${n},Person ${n},Sales,yes,x${n}`);
  const list = `id,name,department,active,aliases\n${lines.join("\n")}`;
  const { body } = await api.upload("/people/import", list);
  assert.equal(new Set(ids({ body: body.added })).size, 10_000);
});
