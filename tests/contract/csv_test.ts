import assert from "node:assert/strict";
import { csvField, csvLine } from "../../src/contract/csv.ts";

Deno.test("csvField quotes what would break a row, and nothing else", () => {
  assert.deepEqual(
    ['a "b"', "a,b", "a\nb", "a\rb", "a b;c", "", null, undefined, 0, false].map(csvField),
    ['"a ""b"""', '"a,b"', '"a\nb"', '"a\rb"', "a b;c", "", "", "", "0", "false"],
  );
});

Deno.test("csvField has text begin like no formula; a negative number stays one", () => {
  assert.deepEqual(
    ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\rx", "=A1,B1", -1, "a=b"].map(csvField),
    ["'=1+1", "'+1", "'-1", "'@SUM(1)", "'\tx", '"\'\rx"', '"\'=A1,B1"', "-1", "a=b"],
  );
});

Deno.test("csvLine ends as a spreadsheet wants it", () => {
  assert.equal(csvLine(["a", null, 1]), "a,,1\r\n");
});
