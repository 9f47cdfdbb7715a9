import assert from "node:assert/strict";
import { nextPage, reply } from "../../../src/core/mod.ts";

Deno.test("nextPage keeps the query and moves the cursor", () => {
  const raw = new Request("http://127.0.0.1:3841/history?limit=2&before=old");
  assert.deepEqual(nextPage(raw, { before: "2026-03-02T12:00:00.000Z" }), {
    link: '</history?limit=2&before=2026-03-02T12%3A00%3A00.000Z>; rel="next"',
  });
});

Deno.test("reply carries a status and headers of its own", () => {
  const made = reply({ ok: true }, { status: 201 });
  assert.deepEqual([made.answer, made.status, made.headers], [{ ok: true }, 201, {}]);
});
