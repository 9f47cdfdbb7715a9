import assert from "node:assert/strict";
import { idOf, unmarked, withMarkedNumbers } from "../../../src/remotes/supabase/exact_numbers.ts";

const BIG = "12345678901234567890";

Deno.test("withMarkedNumbers carries numbers through a parser that would round them", () => {
  const text = `[{"id":${BIG},"n":1.5,"data":{"deep":[${BIG}]},"s":"${BIG}"}]`;
  const [row] = JSON.parse(withMarkedNumbers(text));
  assert.equal(idOf(row.id), BIG);
  assert.equal(JSON.stringify([unmarked(row)]), text);
});

Deno.test("withMarkedNumbers leaves other JSON as it is", () => {
  const text = `{"a":[1,"x"]}`;
  assert.equal(withMarkedNumbers(text), text);
});

Deno.test("withMarkedNumbers refuses what is no whole JSON", () => {
  for (const text of ["", "<html>", `[{"a":1},{"a"`]) {
    assert.throws(() => withMarkedNumbers(text), SyntaxError);
  }
});
