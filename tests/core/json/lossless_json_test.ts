import assert from "node:assert/strict";
import fc from "fast-check";
import { exactNumber, parseLossless } from "../../../src/core/mod.ts";

for (
  const literal of [
    "12345678901234567890",
    "-9007199254740993",
    "0.12345678901234567890123",
    "1e999",
    "-1E400",
    "1e-999",
    "123456789.123456789012345",
  ]
) {
  Deno.test(`parseLossless keeps ${literal} as it is written`, () => {
    const text = `{"n":${literal},"list":[1,${literal}],"s":"${literal}"}`;
    assert.equal(JSON.stringify(parseLossless(text)), text);
  });
}

for (
  const literal of [
    "0",
    "-0",
    "1.50",
    "1e3",
    "1E+2",
    "9007199254740992",
    "0.1",
    "100000000000000000000",
  ]
) {
  Deno.test(`parseLossless makes a number of ${literal}`, () => {
    assert.deepEqual(parseLossless(`[${literal}]`), [Number(literal)]);
  });
}

Deno.test("parseLossless has the caller decide what stands for an inexact number", () => {
  const marked = parseLossless(`{"a":1,"b":12345678901234567890}`, (literal) => `#${literal}`);
  assert.deepEqual(marked, { a: 1, b: "#12345678901234567890" });
});

Deno.test("parseLossless keeps a number that is the whole text, and one after white space", () => {
  for (const text of ["12345678901234567890", "[ 12345678901234567890 ]", "-1e999"]) {
    assert.equal(JSON.stringify(parseLossless(text)), text.replaceAll(" ", ""));
  }
});

Deno.test("parseLossless refuses what is not JSON", () => {
  assert.throws(() => parseLossless("{"), SyntaxError);
  assert.throws(() => parseLossless(`{"a":12345678901234567890`), SyntaxError);
});

Deno.test("parseLossless reads any JSON as JSON.parse does where numbers are exact", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    assert.deepEqual(parseLossless(text), JSON.parse(text));
    assert.equal(JSON.stringify(parseLossless(text)), text);
  }));
});

Deno.test("parseLossless writes any number of digits as it was", () => {
  const literal = fc.tuple(fc.bigInt(), fc.integer({ min: -400, max: 400 }))
    .map(([digits, exponent]) => `${digits}e${exponent}`);
  fc.assert(fc.property(literal, (text) => {
    const again = JSON.stringify(parseLossless(`[${text}]`)).slice(1, -1);
    assert.ok(again === text || Number(again) === Number(text) && /^-?[\d.e+-]+$/.test(again));
  }));
});

Deno.test("exactNumber is written as its literal", () => {
  assert.equal(JSON.stringify({ n: exactNumber("1e999") }), `{"n":1e999}`);
});
