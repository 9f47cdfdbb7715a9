import assert from "node:assert/strict";
import { nameIn, personName } from "../../../../src/streams/attendance/storage/person_name.ts";

const CASES: readonly [text: string | null, name: string | null, what: string][] = [
  ["Ann", "Ann", "stays as it is"],
  ["  Ann \t\r\n Smith\0\0", "Ann Smith", "is on one line"],
  ["\u001b[2JAnn\u202e", "[2JAnn", "steers no terminal and turns no text"],
  ["ശ്രീ\u200dകാന്ത്", "ശ്രീ\u200dകാന്ത്", "keeps the joiners of its script"],
  ["😀".repeat(101), "😀".repeat(100), "has at most 100 characters, none split"],
  [" \0\u200b", null, "of nothing is none"],
  ["", null, "that is empty is none"],
  [null, null, "that is not there is none"],
];

for (const [text, name, what] of CASES) {
  Deno.test(`A name ${what}`, () => assert.equal(personName(text), name));
}

Deno.test("A name is found in the record of an AiFace device, and in no other", () => {
  assert.equal(nameIn('{"enrollid":7,"name":"Zo\\u00eb \\"Z\\"","time":"x"}'), 'Zoë "Z"');
  assert.equal(nameIn('{"enrollid":7}'), null);
  assert.equal(nameIn('7\t2026-10-05 09:15:30\t"name":"Ann"'), null);
});
