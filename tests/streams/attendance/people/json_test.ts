import assert from "node:assert/strict";
import { jsonOf, JsonRows } from "../../../../src/streams/attendance/people/json.ts";

async function piecesOf(object: Record<string, unknown>): Promise<string[]> {
  const pieces: string[] = [];
  const iterator = jsonOf(object);
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    pieces.push(next.value);
  }
  return pieces;
}

for (
  const object of [
    {},
    { a: 1 },
    { list: [] },
    { list: [1], 'a"b': null, more: ["ä", { x: [] }] },
    { first: Array.from({ length: 5_000 }, (_, at) => ({ at })), last: { at: [1] } },
  ]
) {
  Deno.test(`jsonOf writes ${JSON.stringify(object).slice(0, 40)} as JSON.stringify does`, async () => {
    assert.equal((await piecesOf(object)).join(""), JSON.stringify(object));
  });
}

Deno.test("jsonOf reads no more rows than it gives, and goes on where it ended", async () => {
  let read = 0;
  const rows = new JsonRows<number>(function* (after = 0) {
    for (let at = after + 1; at <= 100; at++) {
      read++;
      // A place without an item: none was found up to it.
      yield at % 2 === 0 ? { at } : { at, json: JSON.stringify("x".repeat(10_000)) };
    }
  });
  const iterator = jsonOf({ rows });
  assert.equal((await iterator.next()).value, '{"rows":[');
  assert.ok((await iterator.next()).value.length < 30_000);
  assert.ok(read <= 4, `${read} read`);
  const rest = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    assert.ok(next.value.length < 30_000);
    rest.push(next.value);
  }
  assert.equal(rest.join("").match(/x"/g)?.length, 48);
  assert.ok(rest.length > 20);
  assert.equal(read, 100);
});
