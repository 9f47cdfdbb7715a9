import assert from "node:assert/strict";
import * as v from "valibot";
import { dayText, instantText, route, wholeNumber, yesNo } from "../../../src/core/mod.ts";
import { testApi } from "../../support/api.ts";
import { openApiFlaws } from "../../support/openapi.ts";

const ROUTES = [
  route({
    method: "GET",
    path: "/records/{table}/{id}",
    summary: "A record",
    tag: "records",
    params: v.strictObject({
      table: v.pipe(v.string(), v.description("its table")),
      id: wholeNumber({ min: 1, max: 9 }),
    }),
    query: v.strictObject({
      limit: v.optional(
        v.pipe(wholeNumber({ min: 1, max: 5000 }), v.description("at most so many")),
        "200",
      ),
      date: dayText(),
      before: v.optional(instantText()),
      deleted: v.optional(yesNo(), "false"),
      mode: v.optional(v.picklist(["paper", "live"]), "paper"),
    }),
    answer: v.array(v.object({ id: v.string(), at: v.nullable(v.string()) })),
    handle: () => [],
  }),
  route({
    method: "PUT",
    path: "/records/{table}/{id}",
    summary: "Replace a record",
    tag: "records",
    body: v.looseObject({ name: v.pipe(v.string(), v.maxLength(5)) }),
    handle: () => undefined,
  }),
  route({
    method: "POST",
    path: "/lines",
    summary: "Lines",
    tag: "events",
    reads: { "application/x-ndjson": v.string(), "application/json": v.array(v.unknown()) },
    mediaType: "text/csv",
    handle: () => new Response("", { headers: { "content-type": "text/csv" } }),
  }),
];

async function description() {
  using test = testApi({ routes: ROUTES, page: { html: "", clientJs: "" } });
  const response = await test.ask("/openapi.json");
  assert.equal(response.status, 200);
  return await response.json();
}

Deno.test("/openapi.json is a valid OpenAPI 3.1 document", async () => {
  assert.deepEqual(openApiFlaws(await description()), []);
});

Deno.test("/openapi.json has every route, itself too", async () => {
  const { paths } = await description();
  assert.deepEqual(Object.keys(paths).sort(), [
    "/",
    "/client.js",
    "/healthz",
    "/lines",
    "/metrics",
    "/openapi.json",
    "/records/{table}/{id}",
    "/session",
    "/status",
    "/stream",
  ]);
  assert.deepEqual(Object.keys(paths["/records/{table}/{id}"]), ["get", "put"]);
});

Deno.test("/openapi.json says what parameters mean, not that they are text", async () => {
  const { paths } = await description();
  const { operationId, parameters, security } = paths["/records/{table}/{id}"].get;
  assert.equal(operationId, "getRecordsTableId");
  // Where the agent listens beyond this machine, reading takes the token too.
  assert.deepEqual(security, [{}, { token: [] }]);
  assert.deepEqual(parameters, [
    {
      name: "table",
      in: "path",
      required: true,
      description: "its table",
      schema: { type: "string" },
    },
    {
      name: "id",
      in: "path",
      required: true,
      schema: { type: "integer", minimum: 1, maximum: 9 },
    },
    {
      name: "limit",
      in: "query",
      required: false,
      description: "at most so many",
      schema: { type: "integer", minimum: 1, maximum: 5000, default: 200 },
    },
    { name: "date", in: "query", required: true, schema: { type: "string", format: "date" } },
    {
      name: "before",
      in: "query",
      required: false,
      schema: { type: "string", format: "date-time" },
    },
    {
      name: "deleted",
      in: "query",
      required: false,
      schema: { type: "boolean", default: false },
    },
    {
      name: "mode",
      in: "query",
      required: false,
      schema: { type: "string", enum: ["paper", "live"], default: "paper" },
    },
  ]);
});

Deno.test("/openapi.json tells bodies, answers and who needs the token", async () => {
  const { paths } = await description();
  const put = paths["/records/{table}/{id}"].put;
  assert.deepEqual(put.security, [{ token: [] }]);
  assert.deepEqual(Object.keys(put.responses), [
    ...["204", "400", "401", "403", "413", "415", "421"],
    "default",
  ]);
  assert.equal(put.requestBody.required, true);
  assert.deepEqual(put.requestBody.content["application/json"].schema, {
    type: "object",
    properties: { name: { type: "string", maxLength: 5 } },
    required: ["name"],
    additionalProperties: true,
  });
  const post = paths["/lines"].post;
  assert.deepEqual(Object.keys(post.requestBody.content), [
    "application/x-ndjson",
    "application/json",
  ]);
  assert.deepEqual(Object.keys(post.responses["200"].content), ["text/csv"]);
});
