import assert from "node:assert/strict";
import { parseExactJson } from "../../../src/dashboard/model/json.ts";
import {
  changedFields,
  fieldOf,
  ownNames,
  type RecordRow,
  valueOf,
} from "../../../src/dashboard/model/records.ts";

const TEXT =
  '{"id":"a","system_id":"pc-1","updated_at":"t","deleted_at":null,"title":"12","size":12345678901234567890,' +
  '"half":0.5,"big":1e999,"done":true,"none":null,"tags":["a",9007199254740993]}';
const record = parseExactJson(TEXT) as RecordRow;

Deno.test("parseExactJson keeps numbers that JavaScript would round, and all else as it is", () => {
  assert.equal(JSON.stringify(record), TEXT);
  assert.deepEqual(parseExactJson("[1, -2.5, 1e-7, 123456789012345]"), [
    1,
    -2.5,
    1e-7,
    123456789012345,
  ]);
  assert.equal(typeof (parseExactJson("[0.30000000000000004]") as unknown[])[0], "number");
  assert.throws(() => parseExactJson('{"a": 12345678901234567890'), SyntaxError);
});

Deno.test("A record's own fields become fields of a form, and the same values again", () => {
  const names = ownNames([record]);
  assert.deepEqual(names, ["title", "size", "half", "big", "done", "none", "tags"]);
  const fields = names.map((name) => fieldOf(name, record[name]));
  assert.deepEqual(fields.map(({ type }) => type), [
    "text",
    "number",
    "number",
    "number",
    "yes/no",
    "nothing",
    "JSON",
  ]);
  for (const field of fields) {
    assert.equal(JSON.stringify(valueOf(field)), JSON.stringify(record[field.name]), field.name);
  }
  assert.deepEqual(changedFields(fields, record), {});
});

Deno.test("changedFields has what was changed alone, by its type", () => {
  const text = { name: "size", type: "number", text: "12345678901234567891" } as const;
  assert.equal(JSON.stringify(changedFields([text], record)), '{"size":12345678901234567891}');
  const same = { name: "title", type: "number", text: "12" } as const;
  assert.deepEqual(changedFields([same], record), { title: 12 });
  const fresh = [fieldOf("title", "12"), fieldOf("none", null)];
  assert.deepEqual(changedFields(fresh, null), { title: "12", none: null });
});

for (
  const [field, message] of [
    [{ name: "n", type: "number", text: "1,5" }, /n: a number is written as 12/],
    [{ name: "n", type: "number", text: "" }, /n: a number is written/],
    [{ name: "n", type: "number", text: "012" }, /n: a number is written/],
    [{ name: "j", type: "JSON", text: "{a:1}" }, /j: this is not JSON/],
    [{ name: "", type: "text", text: "" }, /"" cannot be a field's name/],
    [{ name: "updated_at", type: "text", text: "" }, /"updated_at" cannot be/],
    [{ name: "__proto__", type: "text", text: "" }, /"__proto__" cannot be/],
  ] as const
) {
  Deno.test(`A field ${JSON.stringify(field)} is refused in words`, () => {
    assert.throws(() => changedFields([field], null), { name: "FormError", message });
  });
}

Deno.test("ownNames puts what most records have first", () => {
  assert.deepEqual(ownNames([{ a: 1 }, { b: 1, a: 1 }, { b: 1, c: 1 }, { b: 1 }]), ["b", "a", "c"]);
});
