import assert from "node:assert/strict";
import { type ExportRow, writeCsv, writeJson } from "../../src/cli/rows.ts";
import { capturedIo } from "../support/process/captured_io.ts";

async function* pages(...given: ExportRow[][]): AsyncGenerator<ExportRow[]> {
  for (const page of given) yield await Promise.resolve(page);
}

Deno.test("writeCsv has the named columns in their order, whatever the rows have", async () => {
  const io = capturedIo();
  await writeCsv(io.stdout, pages([{ b: 2, a: 1, c: 3 }], [{ a: 4 }]), ["a", "b"]);
  assert.equal(io.out, "a,b\r\n1,2\r\n4,\r\n");
});

Deno.test("writeJson is one array, over pages, of one row and of none", async () => {
  for (const rows of [[[{ a: 1 }, { a: 2 }], [{ a: 3 }]], [[], [{ a: 1 }]], [[]], []]) {
    const io = capturedIo();
    await writeJson(io.stdout, pages(...rows));
    assert.deepEqual(JSON.parse(io.out), rows.flat());
  }
});
