import assert from "node:assert/strict";
import fc from "fast-check";
import { readAccepted, readError } from "../../../src/remotes/endpoint/answer.ts";

const rows = [{ id: "a" }, { id: "b" }, { id: "c" }];
const all = { accepted: ["a", "b", "c"], rejected: [] };

const accepting: readonly (readonly [string, string])[] = [
  ["no body", ""],
  ["plain text", "OK"],
  ["a word that JSON knows", "true"],
  ["an object that speaks of something else", '{"ok":true,"count":3}'],
  ["an array", "[1,2,3]"],
  ["their number", '{"accepted":3}'],
  ["an empty list of refusals", '{"rejected":[]}'],
  ["their ids", ' {"accepted":["a","b","c"],"rejected":[]}'],
];

for (const [what, body] of accepting) {
  Deno.test(`readAccepted takes ${what} for an acceptance of all rows`, () => {
    assert.deepEqual(readAccepted(body, rows), all);
  });
}

Deno.test("readAccepted accepts only the rows it names", () => {
  const { accepted } = readAccepted('{"accepted":["b", 7]}', rows);
  assert.deepEqual(accepted, ["b", "7"]);
});

Deno.test("readAccepted accepts what is not refused where only refusals are listed", () => {
  const result = readAccepted('{"rejected":[{"id":"b","code":"E1","message":"too old"}]}', rows);
  assert.deepEqual(result, {
    accepted: ["a", "c"],
    rejected: [{ id: "b", code: "E1", message: "too old" }],
  });
});

Deno.test("readAccepted reads refusals as they should be, and leaves out what is none", () => {
  const body = JSON.stringify({
    accepted: [],
    rejected: [
      { id: "a", status: 422, code: 17, message: "m".repeat(1_000), retryable: true },
      { id: 5 },
      { code: "no id" },
      "b",
      null,
    ],
  });
  assert.deepEqual(readAccepted(body, rows).rejected, [
    { id: "a", status: 422, code: "17", message: `${"m".repeat(500)}…`, retryable: true },
    { id: "5", message: "the endpoint gave no reason" },
  ]);
});

for (
  const body of [
    '{"accepted":["a","b',
    "[1,2",
    '{"accepted":2}',
    '{"accepted":"all"}',
    '{"accepted":[],"rejected":{}}',
  ]
) {
  Deno.test(`readAccepted takes ${body} for no acceptance`, () => {
    assert.throws(() => readAccepted(body, rows), SyntaxError);
  });
}

Deno.test("readAccepted takes no beginning of an answer for the whole", () => {
  const whole = JSON.stringify({ accepted: ["a", "b", "c"], rejected: [] });
  for (let length = 1; length < whole.length; length++) {
    assert.throws(() => readAccepted(whole.slice(0, length), rows), SyntaxError);
  }
});

const errors: readonly (readonly [string, string, object])[] = [
  ["PostgREST", '{"code":"22P02","message":"bad","details":null,"hint":null}', {
    code: "22P02",
    detail: "bad",
  }],
  ["a problem document", '{"type":"about:blank","title":"Bad","detail":"no such day"}', {
    detail: "no such day",
  }],
  ["an error in an object", '{"error":{"code":42,"message":"no"}}', { code: "42", detail: "no" }],
  ["an error in a word", '{"error":"nope"}', { detail: "nope" }],
  ["a JSON text", '"nope"', { detail: "nope" }],
  ["plain text", " nope\n", { detail: "nope" }],
  ["a page", "<!doctype html><h1>Bad gateway</h1>", {}],
  ["nothing", "", {}],
  ["a list", "[1]", {}],
  ["a code that is no code", '{"code":"Bearer abc def"}', {}],
];

for (const [what, body, facts] of errors) {
  Deno.test(`readError reads ${what}`, () => assert.deepEqual(readError(body), facts));
}

Deno.test("readError survives whatever it is given", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    const { code = "", detail = "" } = readError(text);
    assert.ok(code.length <= 64 && detail.length <= 501);
  }));
});
