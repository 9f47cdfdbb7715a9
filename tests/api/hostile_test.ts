import assert from "node:assert/strict";
import fc from "fast-check";
import * as v from "valibot";
import { route } from "../../src/core/mod.ts";
import { TEST_TOKEN, testApi } from "../support/api.ts";

const segment = fc.oneof(
  fc.constantFrom("write", "%77rite", "WRITE", "status", "healthz", "", ".", "..", "%2e%2e", "%2F"),
  fc.constantFrom("%00", "%ff", "%zz", ";x", "write;x", "%5c", "*", ":table", "{table}", "session"),
  fc.webFragments(),
);
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
const host = fc.constantFrom(
  "127.0.0.1",
  "localhost:3841",
  "evil.example",
  "127.0.0.1.evil",
  "[::1]",
);
const origin = fc.constantFrom(
  undefined,
  "null",
  "https://evil.example",
  "http://127.0.0.1:3841",
  "http://127.0.0.1",
);
const method = fc.constantFrom("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "FOO");
const authorization = fc.oneof(
  fc.constant(undefined),
  fc.string().filter((text) => /^[\x20-\x7e]*$/.test(text)).map((text) => `Bearer ${text}`),
);

Deno.test("API lets no request without the token or to another name do anything", async () => {
  let written = 0;
  using test = testApi({
    routes: (["POST", "PUT", "PATCH", "DELETE"] as const).map((method) =>
      route({
        method,
        path: "/write",
        summary: "Writes",
        tag: "test",
        query: v.record(v.string(), v.unknown()),
        handle: () => void written++,
      })
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ path, host, origin, method, authorization }),
      async ({ path, host, origin, method, authorization }) => {
        const headers = new Headers({ host });
        if (origin !== undefined) headers.set("origin", origin);
        if (authorization !== undefined) headers.set("authorization", authorization);
        const response = await test.api.fetch(
          new Request(`http://127.0.0.1:3841${path}`, { method, headers }),
        );
        await response.body?.cancel();
        assert.equal(response.headers.get("x-content-type-options"), "nosniff");
        assert.equal(response.headers.get("access-control-allow-origin"), null);
        assert.ok(response.status !== 500);
        if (host.includes("evil")) assert.equal(response.status, 421);
        else if (!["GET", "HEAD", "OPTIONS"].includes(method)) {
          assert.ok([401, 403].includes(response.status), String(response.status));
        }
        assert.equal(written, 0);
      },
    ),
    { numRuns: 500 },
  );
  const response = await test.ask("/write", {
    method: "PUT",
    headers: { authorization: `Bearer ${TEST_TOKEN}` },
  });
  assert.equal(response.status, 204);
  assert.equal(written, 1);
});

Deno.test("API answers any body with a problem or an answer, never with a failure", async () => {
  using test = testApi({
    routes: [route({
      method: "POST",
      path: "/thing",
      summary: "Takes a thing",
      tag: "test",
      body: v.strictObject({ name: v.string(), sizes: v.optional(v.array(v.number())) }),
      answer: v.object({ name: v.string() }),
      handle: ({ body }) => ({ name: body.name }),
    })],
  });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.record({ name: fc.anything(), sizes: fc.array(fc.anything()) }, { requiredKeys: [] })
      .filter((value) => isJson(value)).map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(body, async (body) => {
      const response = await test.ask("/thing", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      const answer = await response.json();
      assert.ok([200, 400].includes(response.status), JSON.stringify(answer));
      if (response.status === 400) assert.equal(answer.status, 400);
    }),
    { numRuns: 500 },
  );
});

function isJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
