import assert from "node:assert/strict";
import { idOf, unmarked, withMarkedNumbers } from "../../../src/remotes/supabase/exact_numbers.ts";

const BIG = "12345678901234567890";

Deno.test("withMarkedNumbers carries numbers through a parser that would round them", async () => {
  const text = `[{"id":${BIG},"n":1.5,"data":{"deep":[${BIG}]},"s":"${BIG}"}]`;
  const answer = await withMarkedNumbers(new Response(text, { status: 206 }));
  assert.equal(answer.status, 206);
  const [row] = await answer.json();
  assert.equal(idOf(row.id), BIG);
  assert.equal(JSON.stringify([unmarked(row)]), text);
});

Deno.test("withMarkedNumbers leaves other answers as they are", async () => {
  for (const text of ["", "<html>", `{"a":[1,"x"]}`]) {
    assert.equal(await (await withMarkedNumbers(new Response(text))).text(), text);
  }
});
