import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeText, parseJson } from "../../src/config/json_text.ts";

const flaws: readonly [text: string, message: string][] = [
  ['{\n  "a": 1,\n}', 'line 2, column 9: a comma too many before "}"'],
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: expected "," or "}"'],
  ['{ "a": 1 // why\n}', "line 1, column 10: JSON has no comments. Delete this one"],
  ["# hello\n{}", "line 1, column 1: JSON has no comments. Delete this one"],
  ["{ 'a': 1 }", 'line 1, column 3: expected a "key"'],
  ["{ \"a\": 'x' }", 'line 1, column 8: text is written in straight double quotes (")'],
  ['{ "a": x }', 'line 1, column 8: expected a value: "text", a number, true, false, null, [ or {'],
  [
    '{ "a": 01 }',
    'line 1, column 8: expected a value: "text", a number, true, false, null, [ or {',
  ],
  ['{ "a" 1 }', 'line 1, column 7: expected ":" after the key'],
  ['{\r\n  "a": "C:\\games"\r\n}', "line 2, column 11: a backslash in text is written twice: \\\\"],
  ['{ "a": "x\n" }', 'line 1, column 10: the text is not closed with "'],
  ['{ "a": "x', 'line 1, column 8: the text is not closed with "'],
  ['{ "a": [1, 2 }', 'line 1, column 14: expected "," or "]"'],
  ['{ "a": 1', 'line 1, column 9: expected "," or "}"'],
  ['{ "a":', "line 1, column 7: the text ends too early"],
  ["{} {}", "line 1, column 4: expected nothing after the end"],
  ["{}}", 'line 1, column 3: "}" closes nothing'],
];

for (const [text, message] of flaws) {
  Deno.test(`parseJson says where ${JSON.stringify(text)} is wrong`, () => {
    assert.throws(() => parseJson(text), { name: "SyntaxError", message });
  });
}

Deno.test("parseJson finds a flaw in whatever JSON.parse refuses", () => {
  const mutilated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", '"', "}", "\\", "x"))
    .map(([json, at, put]) =>
      json.slice(0, at % json.length) + put + json.slice(at % json.length + 1)
    );
  fc.assert(fc.property(mutilated, (text) => {
    if (isJson(text)) return assert.doesNotThrow(() => parseJson(text));
    assert.throws(() => parseJson(text), (error: Error) => {
      const [, column, message] = /^line 1, column (\d+): (.+)$/.exec(error.message) ?? [];
      return message !== "expected nothing after the end" || Number(column) <= text.length;
    });
  }));
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("decodeText drops a byte order mark and refuses UTF-16 and code pages", () => {
  assert.equal(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)), "{}");
  assert.throws(() => decodeText(Uint8Array.of(0xff, 0xfe, 0x7b, 0)), /saved as UTF-16/);
  assert.throws(() => decodeText(Uint8Array.of(0xfe, 0xff, 0, 0x7b)), /saved as UTF-16/);
  assert.throws(() => decodeText(Uint8Array.of(0x7b, 0xe4, 0x7d)), /not saved as UTF-8/);
});
