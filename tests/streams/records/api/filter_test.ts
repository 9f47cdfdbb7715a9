import assert from "node:assert/strict";
import { exactNumber } from "../../../../src/core/mod.ts";
import { filterOf, matches } from "../../../../src/streams/records/api/filter.ts";

const MANAGED = {
  id: "t-1",
  system_id: "pc-1",
  updated_at: "2026-03-02T12:00:00.000Z",
  deleted_at: null,
};
const FIELDS = {
  title: 'Paint "it"\n',
  number: 12,
  text: "12",
  half: 0.5,
  huge: exactNumber("12345678901234567890"),
  done: true,
  nothing: null,
  word: "null",
  empty: "",
  list: [1, { a: "b" }],
  constructor: "x",
};
const data = JSON.stringify(FIELDS);

for (
  const [query, expected] of [
    [{ title: 'Paint "it"\n' }, true],
    [{ title: "Paint" }, false],
    [{ number: "12" }, true],
    [{ text: "12" }, true],
    [{ number: "12.0" }, false],
    [{ half: "0.5" }, true],
    [{ huge: "12345678901234567890" }, true],
    [{ huge: "12345678901234567000" }, false],
    [{ huge: "12345678901234567168" }, false],
    [{ done: "true" }, true],
    [{ done: "false" }, false],
    [{ nothing: "null" }, true],
    [{ word: "null" }, true],
    [{ missing: "null" }, true],
    [{ missing: "" }, false],
    [{ empty: "" }, true],
    [{ list: '[1,{"a":"b"}]' }, true],
    [{ constructor: "x" }, true],
    [{ toString: "null" }, true],
    [{ id: "t-1", done: "true" }, true],
    [{ id: "t-2", done: "true" }, false],
    [{ done: "true", number: "13" }, false],
    [{ deleted_at: "null" }, true],
  ] as const
) {
  Deno.test(`A filter of ${JSON.stringify(query)} is met: ${expected}`, () => {
    const filter = new Map(Object.entries(query));
    assert.equal(matches(filter, { data, managed: MANAGED }), expected);
  });
}

Deno.test("A filter finds the null of a field that is not there, where no value is null", () => {
  const filter = new Map([["missing", "null"]]);
  assert.equal(matches(filter, { data: '{"done":true}', managed: MANAGED }), true);
});

const asked = (query: string) => filterOf(new Request(`http://x/records/t${query}`), ["limit"]);

Deno.test("A query's filter has the names that mean nothing else there", () => {
  assert.deepEqual([...asked("")], []);
  assert.deepEqual([...asked("?limit=3&_=9&a=1&__proto__=x&b%20c=%C3%A9")], [
    ["a", "1"],
    ["__proto__", "x"],
    ["b c", "é"],
  ]);
});

Deno.test("A filter refuses names that no field can have, and more than 20 of them", () => {
  const problem = (message: RegExp) => ({ status: 400, message });
  assert.throws(() => asked("?=1"), problem(/1 to 63 characters/));
  assert.throws(() => asked(`?${"x".repeat(64)}=1`), problem(/1 to 63 characters/));
  const names = Array.from({ length: 21 }, (_, index) => `f${index}=1`);
  assert.throws(() => asked(`?${names.join("&")}`), problem(/at most 20 fields/));
});
