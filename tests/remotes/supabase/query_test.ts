import assert from "node:assert/strict";
import { queryGroups, quoted, recordsOf } from "../../../src/remotes/supabase/query.ts";

const AT = "2026-03-02T12:00:00.000Z";
const CAME = "2026-03-02T13:00:00.000Z";

Deno.test("quoted has nothing of a value end it, or take the end's place", () => {
  assert.equal(quoted('a"b'), String.raw`"a\"b"`);
  assert.equal(quoted("a\\b"), String.raw`"a\\b"`);
  // Ends with a backslash, which must not make a letter of the closing quote.
  assert.equal(quoted("a\\"), String.raw`"a\\"`);
  assert.equal(quoted('a\\"b'), String.raw`"a\\\"b"`);
  assert.equal(quoted("a,b)(c"), '"a,b)(c"');
});

Deno.test("queryGroups has every value once, in addresses of a bounded length", () => {
  const values = Array.from({ length: 1_000 }, (_, n) => `ü record ${n}`);
  const groups = queryGroups(values);
  assert.ok(groups.length > 1);
  assert.ok(groups.every((group) => encodeURIComponent(group).length < 4_200));
  const found = groups.flatMap((group) => JSON.parse(`[${group.slice(1, -1)}]`));
  assert.deepEqual(found, values);
});

Deno.test("records leaves the server's own column out, and gives the key its name", () => {
  const row = { key: 7, title: "a", updated_at: AT, deleted_at: null, received_at: CAME };
  assert.deepEqual(recordsOf([row], { key: "key" }), [
    { id: "7", title: "a", updated_at: AT, deleted_at: null },
  ]);
});

Deno.test("records takes a row's arrival for a stamp that it lacks, and the oldest there is without one", () => {
  const stamps = ({ updated_at, received_at }: Record<string, unknown>) =>
    recordsOf([{ id: "a", deleted_at: null, updated_at, received_at }], { key: "id" })[0]
      ?.updated_at;
  assert.equal(stamps({ updated_at: AT, received_at: CAME }), AT);
  for (const updated_at of [null, undefined, "infinity"]) {
    assert.equal(stamps({ updated_at, received_at: CAME }), CAME);
    assert.equal(stamps({ updated_at, received_at: null }), "1970-01-01T00:00:00.000Z");
  }
});
