import assert from "node:assert/strict";
import fc from "fast-check";
import { syntaxErrorAt } from "../../../src/core/json/syntax_error.ts";

for (
  const [text, at] of [
    ["", 0],
    ["  ", 2],
    ["{", 1],
    ["[1,]", 3],
    ["[1 2]", 3],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ["{'a':1}", 1],
    ['["a]', 1],
    ["[01]", 2],
    ["nul", 0],
    ["[1]]", 3],
    ["[1}", 2],
    ["1 x", 2],
    ['"\t"', 0],
  ] as const
) {
  Deno.test(`syntaxErrorAt finds ${at} in ${JSON.stringify(text)}`, () => {
    assert.equal(syntaxErrorAt(text), at);
  });
}

Deno.test("syntaxErrorAt finds nothing before the end of what JSON.parse accepts", () => {
  fc.assert(fc.property(fc.json(), (text) => syntaxErrorAt(text) === text.length));
});

Deno.test("syntaxErrorAt finds a flaw where a character was put in that ends every prefix", () => {
  fc.assert(fc.property(fc.json(), fc.nat(), (text, seed) => {
    const at = seed % (text.length + 1);
    const broken = `${text.slice(0, at)}\u0000${text.slice(at)}`;
    assert.throws(() => JSON.parse(broken));
    assert.ok(syntaxErrorAt(broken) <= at);
  }));
});

Deno.test("syntaxErrorAt copes with a megabyte of text", () => {
  const long = "x\\n".repeat(400_000);
  assert.equal(syntaxErrorAt(`["${long}", }`), long.length + 5);
  assert.equal(syntaxErrorAt("[".repeat(1_000_000)), 1_000_000);
});
