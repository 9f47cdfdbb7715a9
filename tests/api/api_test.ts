import assert from "node:assert/strict";
import * as v from "valibot";
import {
  dayText,
  Problem,
  reply,
  type Route,
  route,
  STORING,
  wholeNumber,
} from "../../src/core/mod.ts";
import { StoreError } from "../../src/store/mod.ts";
import { testApi } from "../support/api.ts";
import { tempStore } from "../support/temp.ts";

const ROUTES: Route[] = [
  route({
    method: "GET",
    path: "/things/{table}",
    summary: "Things",
    tag: "test",
    params: v.strictObject({ table: v.picklist(["a", "b/c", "ü"], "expected a, b/c or ü") }),
    query: v.strictObject({
      limit: v.optional(wholeNumber({ min: 1, max: 10 }), "5"),
      date: v.optional(dayText()),
    }),
    answer: v.object({ table: v.string(), limit: v.number() }),
    handle: ({ params, query }) => ({ table: params.table, limit: query.limit }),
  }),
  route({
    method: "PUT",
    path: "/things/{table}",
    summary: "Put a thing",
    tag: "test",
    body: v.strictObject({ name: v.string(), size: v.optional(v.number()) }),
    bodyLimit: 100,
    answer: v.object({ name: v.string() }),
    also: { 201: "The thing is new." },
    handle: ({ body }) =>
      reply({ name: body.name }, { status: 201, headers: { location: "/things/a" } }),
  }),
  route({
    method: "POST",
    path: "/lines",
    summary: "Text or JSON, as it is",
    tag: "test",
    reads: { "application/x-ndjson": v.string(), "application/json": v.unknown() },
    bodyLimit: 100,
    answer: v.object({ bytes: v.number() }),
    handle: async ({ text }) => ({ bytes: (await text()).length }),
  }),
  route({
    method: "POST",
    path: "/optional",
    summary: "A body or none",
    tag: "test",
    body: v.optional(v.strictObject({ a: v.number() })),
    answer: v.unknown(),
    handle: ({ body }) => ({ body: body ?? null }),
  }),
  route({
    method: "DELETE",
    path: "/things/{table}",
    summary: "Nothing to say",
    tag: "test",
    handle: () => undefined,
  }),
  ...Object.entries({
    problem: new Problem(409, "Conflict", { detail: "no", extra: { parameter: "x" } }),
    full: new StoreError("full", "database or disk is full"),
    busy: new StoreError("busy", "database is locked"),
    sqlite: Object.assign(new Error("disk I/O error: database or disk is full"), { errcode: 13 }),
    bug: new TypeError("secret detail"),
  }).map(([name, error]) =>
    route({
      method: "GET",
      path: `/fail/${name}`,
      summary: "Fails",
      tag: "test",
      problems: { ...STORING, 409: "There is a conflict." },
      handle: () => {
        throw error;
      },
    })
  ),
  route({
    method: "GET",
    path: "/liar",
    summary: "Answers what its schema does not have",
    tag: "test",
    answer: v.object({ n: v.number() }),
    // What a type cannot see: a number that JSON does not have.
    handle: () => ({ n: NaN }),
  }),
  route({
    method: "POST",
    path: "/liar/created",
    summary: "Answers a status that it did not say",
    tag: "test",
    answer: v.object({ n: v.number() }),
    handle: () => reply({ n: 1 }, { status: 201 }),
  }),
  route({
    method: "GET",
    path: "/liar/missing",
    summary: "Fails in a way that it did not say",
    tag: "test",
    handle: () => {
      throw new Problem(404, "Not found");
    },
  }),
  route({
    method: "GET",
    path: "/liar/paged",
    summary: "Has a next page that it did not say",
    tag: "test",
    answer: v.array(v.number()),
    handle: () => reply([1], { headers: { link: '</liar/paged?after=1>; rel="next"' } }),
  }),
  route({
    method: "GET",
    path: "/text",
    summary: "Text",
    tag: "test",
    mediaType: "text/plain",
    handle: () => new Response("hello", { headers: { "content-type": "text/plain" } }),
  }),
];

interface Scenario {
  name: string;
  ask: Parameters<ReturnType<typeof testApi>["ask"]>;
  status: number;
  /** Members of the JSON answer. */
  answer?: Record<string, unknown>;
  headers?: Record<string, string | null>;
}

const chunked = (text: string) =>
  new Blob([text]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>;
const NDJSON = { "content-type": "application/x-ndjson" };

const SCENARIOS: Scenario[] = [
  {
    name: "defaults are filled in",
    ask: ["/things/a"],
    status: 200,
    answer: { table: "a", limit: 5 },
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
      "access-control-allow-origin": null,
    },
  },
  {
    name: "path parameters are decoded",
    ask: ["/things/b%2Fc"],
    status: 200,
    answer: { table: "b/c" },
  },
  { name: "and from UTF-8", ask: ["/things/%C3%BC"], status: 200, answer: { table: "ü" } },
  {
    name: "a bad path parameter is named",
    ask: ["/things/x"],
    status: 400,
    answer: {
      parameter: "table",
      detail: 'path parameter "table": expected a, b/c or ü',
    },
    headers: { "content-type": "application/problem+json" },
  },
  {
    name: "a bad query parameter is named",
    ask: ["/things/a?limit=11"],
    status: 400,
    answer: {
      parameter: "limit",
      detail: 'query parameter "limit": expected a whole number from 1 to 10',
    },
  },
  {
    name: "an unknown query parameter is told",
    ask: ["/things/a?limt=3"],
    status: 400,
    answer: {
      parameter: "limt",
      detail: 'query parameter "limt": not known here; known: limit, date',
    },
  },
  {
    name: "a repeated query parameter is told",
    ask: ["/things/a?limit=1&limit=2"],
    status: 400,
    answer: { parameter: "limit" },
  },
  {
    name: "__proto__ is a name like any other",
    ask: ["/things/a?__proto__=1"],
    status: 400,
    answer: { parameter: "__proto__" },
  },
  {
    name: "a query where none belongs is refused",
    ask: ["/status?verbose=1"],
    status: 400,
    answer: { parameter: "verbose" },
  },
  {
    name: "a reply has its own status and headers",
    ask: ["/things/a", { method: "PUT", json: { name: "n" } }],
    status: 201,
    answer: { name: "n" },
    headers: { location: "/things/a", "content-type": "application/json" },
  },
  {
    name: "a bad body field is named",
    ask: ["/things/a", { method: "PUT", json: { name: 1 } }],
    status: 400,
    answer: { parameter: "name", detail: 'body "name": expected string, got 1' },
  },
  {
    name: "a missing body is told",
    ask: ["/things/a", { method: "PUT" }],
    status: 400,
  },
  {
    name: "malformed JSON is answered with its place",
    ask: ["/things/a", {
      method: "PUT",
      body: '{"name":\n "n",}',
      headers: { "content-type": "application/json; charset=utf-8" },
    }],
    status: 400,
    answer: { title: "Malformed JSON", position: 14, line: 2, column: 6 },
  },
  {
    name: "JSON that does not say so is not taken",
    ask: ["/things/a", { method: "PUT", body: '{"name":"n"}' }],
    status: 415,
    answer: { detail: "Send the body as application/json." },
  },
  {
    name: "a form is not taken",
    ask: ["/things/a", {
      method: "PUT",
      body: "name=n",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    }],
    status: 415,
  },
  {
    name: "a body that says it is too long is not read",
    ask: ["/things/a", { method: "PUT", json: {}, headers: { "content-length": "101" } }],
    status: 413,
    answer: { limit_bytes: 100 },
  },
  {
    name: "a body that grows too long is cut off",
    ask: ["/lines", { method: "POST", body: chunked("x".repeat(101)), headers: NDJSON }],
    status: 413,
  },
  {
    name: "a body as long as allowed is taken",
    ask: ["/lines", { method: "POST", body: chunked("x".repeat(100)), headers: NDJSON }],
    status: 200,
    answer: { bytes: 100 },
  },
  {
    name: "a body that is no UTF-8 is refused",
    ask: ["/lines", { method: "POST", body: new Uint8Array([0xff, 0xfe]), headers: NDJSON }],
    status: 400,
  },
  {
    name: "a route that reads itself still says what it takes",
    ask: ["/lines", { method: "POST", body: "x", headers: { "content-type": "text/plain" } }],
    status: 415,
    answer: { detail: "Send the body as application/x-ndjson or application/json." },
  },
  {
    name: "a body may be optional",
    ask: ["/optional", { method: "POST" }],
    status: 200,
    answer: { body: null },
  },
  {
    name: "an optional body is checked",
    ask: ["/optional", { method: "POST", json: { a: "x" } }],
    status: 400,
    answer: { parameter: "a" },
  },
  { name: "nothing to say is a 204", ask: ["/things/a", { method: "DELETE" }], status: 204 },
  {
    name: "a problem is answered as it is",
    ask: ["/fail/problem"],
    status: 409,
    answer: { type: "about:blank", title: "Conflict", status: 409, detail: "no", parameter: "x" },
  },
  { name: "a full disk is 507", ask: ["/fail/full"], status: 507, answer: { title: "Disk full" } },
  { name: "SQLite's own too", ask: ["/fail/sqlite"], status: 507 },
  {
    name: "a busy database is 503",
    ask: ["/fail/busy"],
    status: 503,
    headers: { "retry-after": "1" },
  },
  {
    name: "an unknown path is 404",
    ask: ["/nothing"],
    status: 404,
    headers: { "content-type": "application/problem+json" },
  },
  { name: "a doubled slash is another path", ask: ["//status"], status: 404 },
  { name: "a final slash is another path", ask: ["/status/"], status: 404 },
  {
    name: "a method that the path does not have is 405",
    ask: ["/things/a", { method: "PATCH", json: {} }],
    status: 405,
    headers: { allow: "GET, HEAD, PUT, DELETE, OPTIONS" },
  },
  {
    name: "OPTIONS says what the path has",
    ask: ["/things/a", { method: "OPTIONS" }],
    status: 204,
    headers: {
      allow: "GET, HEAD, PUT, DELETE, OPTIONS",
      "access-control-allow-methods": null,
    },
  },
  { name: "OPTIONS of nothing is 404", ask: ["/nothing", { method: "OPTIONS" }], status: 404 },
  {
    name: "HEAD is GET without a body",
    ask: ["/things/a", { method: "HEAD" }],
    status: 200,
    headers: { "content-type": "application/json" },
  },
  { name: "HEAD is checked as GET is", ask: ["/things/x", { method: "HEAD" }], status: 400 },
  {
    name: "HEAD of an event stream leaves none open",
    ask: ["/stream", { method: "HEAD" }],
    status: 200,
    headers: { "content-type": "text/event-stream" },
  },
  {
    name: "what is not JSON keeps its type and gets the headers of all",
    ask: ["/text"],
    status: 200,
    headers: { "content-type": "text/plain", "x-content-type-options": "nosniff" },
  },
  {
    name: "an answer unlike its schema is an error in tests",
    ask: ["/liar"],
    status: 500,
    answer: {
      title: "Answer unlike its schema",
      detail: "GET /liar: n: expected number, got null",
    },
  },
  {
    name: "so is a status that its description does not have",
    ask: ["/liar/created", { method: "POST" }],
    status: 500,
    answer: { detail: "POST /liar/created: a status 201 that it does not describe" },
  },
  {
    name: "and a problem that its description does not have",
    ask: ["/liar/missing"],
    status: 500,
    answer: { detail: "GET /liar/missing: a status 404 that it does not describe" },
  },
  {
    name: "and a link to a page that its description does not have",
    ask: ["/liar/paged"],
    status: 500,
    answer: { detail: "GET /liar/paged: a Link to another page" },
  },
];

for (const { name, ask, status, answer, headers } of SCENARIOS) {
  Deno.test(`API: ${name}`, async () => {
    using test = testApi({ routes: ROUTES });
    const response = await test.ask(...ask);
    const text = await response.text();
    assert.equal(response.status, status, text);
    if (answer) {
      const told = JSON.parse(text) as Record<string, unknown>;
      for (const [key, value] of Object.entries(answer)) assert.deepEqual(told[key], value, text);
    }
    for (const [header, value] of Object.entries(headers ?? {})) {
      assert.equal(response.headers.get(header), value, header);
    }
  });
}

Deno.test("API tells nobody but the log what a bug was", async () => {
  using test = testApi({ routes: ROUTES });
  const response = await test.ask("/fail/bug");
  assert.equal(response.status, 500);
  const text = await response.text();
  assert.ok(!text.includes("secret"), text);
  const { id, detail } = JSON.parse(text);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.ok(detail.includes(id));
});

for (
  const [name, handle] of [
    ["at once", () => {
      throw "thrown";
    }],
    ["later", () => Promise.reject("thrown")],
  ] as const
) {
  Deno.test(`API answers 500 to what is thrown ${name} and is no error`, async () => {
    const odd = route({ method: "GET", path: "/odd", summary: "", tag: "test", handle });
    using test = testApi({ routes: [odd] });
    const response = await test.ask("/odd");
    assert.equal(response.status, 500);
    assert.equal((await response.json()).title, "Internal error");
  });
}

Deno.test("API lets no two routes share a method and path", () => {
  const twice = route({
    method: "GET",
    path: "/status",
    summary: "",
    tag: "test",
    handle: () => undefined,
  });
  assert.throws(() => testApi({ routes: [twice] }), TypeError);
});

Deno.test("The API has the database checked when reading it fails as of a damaged one", async () => {
  using temp = tempStore();
  const broken = route({
    method: "GET",
    path: "/broken",
    summary: "Reads a damaged page",
    tag: "test",
    handle() {
      throw Object.assign(new Error("database disk image is malformed"), { errcode: 11 });
    },
  });
  using api = testApi({ store: temp.store, routes: [broken] });
  assert.equal((await api.ask("/broken")).status, 500);
  assert.equal(temp.store.suspected, true);
});
