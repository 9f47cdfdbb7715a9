import assert from "node:assert/strict";
import fc from "fast-check";
import { stripComments } from "jsonc-parser";
import { decodeText, parseConfigText } from "../../src/config/json_text.ts";

const WORD = 'expected a "key" or "text" in double quotes, a number, true, false or null';

const flaws: readonly [text: string, message: string][] = [
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3: expected "," or the closing bracket'],
  ["# hello\n{}", "line 1, column 1: a comment begins with //"],
  ['{ "a": 1 /* why }', "line 1, column 10: the comment is not closed with */"],
  ["{ 'a': 1 }", 'line 1, column 3: text is written in straight double quotes (")'],
  ["{ a: 1 }", `line 1, column 3: ${WORD}`],
  ['{ "a": x }', `line 1, column 8: ${WORD}`],
  ['{ "a": 1, 2 }', 'line 1, column 11: expected a "key" in double quotes, or "}"'],
  ['{ "a": 01 }', 'line 1, column 9: expected "," or the closing bracket'],
  ["[1, , 2]", 'line 1, column 5: expected a value: "text", a number, true, false, null, [ or {'],
  ['{ "a": 1, b: 2 }', `line 1, column 11: ${WORD}`],
  ['{ "a" 1 }', 'line 1, column 7: expected ":" after a key'],
  [
    '{\r\n  "a": "C:\\games"\r\n}',
    "line 2, column 8: a backslash in a text is written twice: \\\\",
  ],
  ['{ "a": "x\n" }', 'line 1, column 8: the text is not closed with "'],
  ['{ "a": "x', 'line 1, column 8: the text is not closed with "'],
  ['{ "a": "x\ty" }', "line 1, column 8: a tab in a text is written \\t"],
  ['{ "a": "\\u12" }', "line 1, column 8: \\u in a text is followed by four hexadecimal digits"],
  ['{ "a": [1, 2 }', 'line 1, column 14: expected "," or the closing bracket'],
  ['{ "a": 1', "line 1, column 9: the text ends too early"],
  ["{} {}", "line 1, column 4: expected nothing more"],
  [
    '{\n  "api_port": 1,\n  "events": { "modes": [] },\n  "api_port": 2\n}',
    'line 4, column 3: the key "api_port" is there for the second time (first: line 2, column 3). ' +
    "Delete one of the two",
  ],
  [
    '{ "a": { "b": [{ "c": 1, "\\u0063" : {} }] } }',
    'line 1, column 26: the key "c" is there for the second time (first: line 1, column 18). ' +
    "Delete one of the two",
  ],
];

for (const [text, message] of flaws) {
  Deno.test(`parseConfigText says where ${JSON.stringify(text)} is wrong`, () => {
    assert.throws(() => parseConfigText(text), { name: "SyntaxError", message });
  });
}

Deno.test("parseConfigText says where for whatever JSON.parse refuses", () => {
  const mutilated = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", '"', "}", "\\", "x"))
    .map(([json, at, put]) =>
      json.slice(0, at % json.length) + put + json.slice(at % json.length + 1)
    );
  fc.assert(fc.property(mutilated, (text) => {
    if (isJson(text) || isJson(stripComments(text).replace(/,(\s*[\]}])/g, "$1"))) return;
    assert.throws(() => parseConfigText(text), /^SyntaxError: line 1, column \d+: .+$/);
  }));
});

Deno.test("parseConfigText takes whatever JSON.stringify makes: a key in several objects, or in a text, is no second one", () => {
  const value = {
    a: { a: '{ "a": 1, "a": 2 }' },
    b: [{ a: 1 }, { a: "a" }, "a"],
    "\\": '"',
    "": "",
  };
  assert.equal(JSON.stringify(parseConfigText(JSON.stringify(value))), JSON.stringify(value));
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
    const text = JSON.stringify(value, null, 2);
    assert.equal(JSON.stringify(parseConfigText(text), null, 2), text);
  }));
});

Deno.test("parseConfigText takes comments and trailing commas, also in texts that only look like them", () => {
  const text = '// why\n{ /* both */ "a": [1, 2,], // end\n "b": "// no, ] comment", }\n';
  assert.equal(JSON.stringify(parseConfigText(text)), '{"a":[1,2],"b":"// no, ] comment"}');
});

Deno.test("parseConfigText takes a key of any name as a key", () => {
  assert.deepEqual(Object.keys(parseConfigText('{ "__proto__": { "api_port": 9 } }') as object), [
    "__proto__",
  ]);
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
