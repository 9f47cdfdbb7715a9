import assert from "node:assert/strict";
import * as v from "valibot";
import {
  check,
  dayText,
  instantText,
  isTooDeep,
  parse,
  parseJson,
  Problem,
  type Schema,
  wholeNumber,
  yesNo,
  zoneText,
} from "../../../src/core/mod.ts";

const query = v.strictObject({
  limit: v.optional(wholeNumber({ min: 1, max: 5000 }), "200"),
  date: v.optional(dayText()),
});

Deno.test("parse turns query text into what it means", () => {
  assert.deepEqual(parse(query, { limit: "7", date: "2026-03-02" }, "query parameter"), {
    limit: 7,
    date: "2026-03-02",
  });
  assert.deepEqual(parse(query, {}, "query parameter"), { limit: 200 });
});

Deno.test("parse names the field and what is allowed", () => {
  assert.throws(
    () => parse(query, { limit: "0", date: "2026-02-30" }, "query parameter"),
    (error) => {
      assert.ok(error instanceof Problem);
      assert.deepEqual(error.toJSON(), {
        type: "about:blank",
        title: "Invalid request",
        status: 400,
        detail: 'query parameter "limit": expected a whole number from 1 to 5000',
        parameter: "limit",
        errors: [
          { field: "limit", message: "expected a whole number from 1 to 5000" },
          { field: "date", message: "expected a day as YYYY-MM-DD" },
        ],
      });
      return true;
    },
  );
});

Deno.test("parse tells a name it does not know and those it does", () => {
  assert.deepEqual(check(query, { limt: "1" }), {
    errors: [{ field: "limt", message: "not known here; known: limit, date" }],
  });
});

Deno.test("check words what the schema has no words for", () => {
  const schema = v.object({ id: v.string(), tags: v.array(v.object({ n: v.number() })) });
  assert.deepEqual(check(schema, { tags: [{ n: 1 }, { n: "x".repeat(100) }] }), {
    errors: [
      { field: "id", message: "missing" },
      { field: "tags.1.n", message: `expected number, got "${"x".repeat(59)}…` },
    ],
  });
});

Deno.test("parse lists at most 100 flaws", () => {
  assert.throws(
    () => parse(v.array(v.string()), Array.from({ length: 10_000 }, () => 1), "body"),
    (error) => error instanceof Problem && (error.extra["errors"] as unknown[]).length === 100,
  );
});

for (
  const [name, schema, good, bad] of [
    [
      "wholeNumber",
      wholeNumber({ min: -5, max: 5 }),
      { "-5": -5, "5": 5, "0": 0 },
      ["6", "-6", "1.5", "", " 1", "1e0", "0x1", "+1", "٣", "NaN"],
    ],
    ["dayText", dayText(), { "2024-02-29": "2024-02-29" }, ["2026-02-29", "2026-1-1", "today"]],
    ["zoneText", zoneText(), { "Asia/Kathmandu": "Asia/Kathmandu", UTC: "UTC" }, ["Mars", ""]],
    [
      "instantText",
      instantText(),
      {
        "2026-03-02T12:00:00.000Z": "2026-03-02T12:00:00.000Z",
        "2026-03-02T12:00:00.123456Z": "2026-03-02T12:00:00.123Z",
        "2026-03-02T13:00+01:00": "2026-03-02T12:00:00.000Z",
      },
      ["2026-03-02", "2026-03-02T12:00:00", "2026-13-02T12:00:00Z", "now", "0"],
    ],
    ["yesNo", yesNo(), { true: true, false: false }, ["1", "yes", "TRUE", ""]],
  ] as const
) {
  Deno.test(`${name} takes what it says and nothing else`, () => {
    for (const [text, value] of Object.entries(good)) {
      assert.deepEqual(check<unknown>(schema as Schema, text), { value });
    }
    for (const text of bad) assert.ok("errors" in check<unknown>(schema as Schema, text), text);
  });
}

for (
  const [text, place] of [
    ['{"a": 1,\n "b": }', { position: 15, line: 2, column: 7 }],
    ['{"a": 1', { position: 7, line: 1, column: 8 }],
    ["", { position: 0, line: 1, column: 1 }],
  ] as const
) {
  Deno.test(`parseJson says where ${JSON.stringify(text)} stops being JSON`, () => {
    assert.throws(() => parseJson(text, "body"), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.status, 400);
      assert.equal(
        error.detail,
        `body: not JSON at line ${place.line}, column ${place.column}`,
      );
      assert.deepEqual(error.extra, place);
      return true;
    });
  });
}

Deno.test("isTooDeep counts levels, and is not brought down by many", () => {
  const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  assert.equal(isTooDeep("text"), false);
  assert.equal(isTooDeep(nested(100)), false);
  assert.equal(isTooDeep(nested(101)), true);
  assert.equal(isTooDeep(nested(400_000)), true);
});
