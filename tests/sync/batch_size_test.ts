import assert from "node:assert/strict";
import fc from "fast-check";
import { BatchSize } from "../../src/sync/batch_size.ts";

Deno.test("BatchSize asks for all that the schedule allows", () => {
  const size = new BatchSize(500);
  size.passed(500);
  assert.equal(size.rows, 500);
});

Deno.test("BatchSize is back at once after a remote that was away", () => {
  const size = new BatchSize(500);
  size.passed(500);
  const asked = [];
  for (let failures = 0; failures < 12; failures++) size.failed(size.rows);
  while (size.rows < 500) {
    asked.push(size.rows);
    size.passed(size.rows);
  }
  assert.deepEqual(asked, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
});

Deno.test("BatchSize hardly ever asks a remote with a limit for more than it takes", () => {
  const limit = 300;
  const size = new BatchSize(500);
  let refused = 0;
  for (let request = 0; request < 1_000; request++) {
    const { rows } = size;
    if (rows > limit) {
      refused++;
      size.failed(rows);
    } else {
      size.passed(rows);
    }
  }
  assert.ok(refused <= 11, `${refused} of 1000`);
});

Deno.test("BatchSize cuts rows that are too long together, and asks for fewer the next time", () => {
  const rows = [300, 0, 500, 400].map((kb, index) => ({
    id: `${index}`,
    body: "x".repeat(kb * 1024),
  }));
  const size = new BatchSize(500);
  assert.deepEqual(size.cut(rows).map(({ id }) => id), ["0", "1", "2"]);
  assert.equal(size.rows, 2);
  const deep = { id: "deep", meta: { list: ["x".repeat(2 << 20)] } };
  assert.deepEqual(size.cut([deep, rows[1]!]), [deep]);
  assert.equal(size.rows, 1);
  assert.deepEqual(size.cut([deep]), [deep]);
  const short = Array.from({ length: 500 }, (_, n) => ({ id: `${n}`, body: "short", n }));
  assert.equal(size.cut(short), short);
});

Deno.test("BatchSize does not take a short batch for a sign that more would pass", () => {
  const size = new BatchSize(500);
  size.failed(500);
  for (let n = 0; n < 10; n++) size.passed(3);
  assert.equal(size.rows, 250);
});

Deno.test("BatchSize stays between one row and the schedule's most, and always comes back to it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.array(fc.record({ passed: fc.boolean(), rows: fc.integer({ min: 1, max: 5_000 }) })),
      (most, results) => {
        const size = new BatchSize(most);
        for (const { passed, rows } of results) {
          if (passed) size.passed(Math.min(rows, size.rows));
          else size.failed(Math.min(rows, size.rows));
          assert.ok(size.rows >= 1 && size.rows <= most);
        }
        let requests = 0;
        while (size.rows < most && requests++ < 20_000) size.passed(size.rows);
        assert.equal(size.rows, most);
      },
    ),
  );
});
