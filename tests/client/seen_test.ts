/** @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Seen } from "../../src/client/seen.ts";

Deno.test("Seen asks the agent again from before the first event that the cloud lacked", () => {
  const seen = new Seen();
  const taken = [1, 2, 3, 5, 6].filter((seq) => seen.add(seq));
  assert.deepEqual([taken, seen.base, seen.last], [[1, 2, 3, 5, 6], 3, 6]);
  assert.deepEqual([4, 5, 6, 7].filter((seq) => seen.addOrdered(seq)), [4, 7]);
  assert.deepEqual([seen.base, seen.last], [7, 7]);
});

Deno.test("Seen takes what the agent leaves out as gone for good", () => {
  const seen = new Seen();
  seen.startAt(10);
  assert.ok(seen.addOrdered(15));
  assert.equal(seen.base, 15);
  assert.ok(!seen.add(12));
});

Deno.test("Seen takes every event once, however the two sources take turns", () => {
  const turn = fc.record({
    remote: fc.boolean(),
    upTo: fc.integer({ min: 1, max: 40 }),
    holes: fc.array(fc.integer({ min: 1, max: 40 })),
  });
  fc.assert(fc.property(fc.array(turn), (turns) => {
    const seen = new Seen();
    seen.startAt(0);
    const taken: number[] = [];
    for (const { remote, upTo, holes } of [...turns, { remote: false, upTo: 40, holes: [] }]) {
      const from = remote ? seen.last : seen.base ?? 0;
      for (let seq = from + 1; seq <= upTo; seq++) {
        if (remote ? !holes.includes(seq) && seen.add(seq) : seen.addOrdered(seq)) taken.push(seq);
      }
    }
    taken.sort((a, b) => a - b);
    assert.deepEqual(taken, Array.from({ length: 40 }, (_, index) => index + 1));
  }));
});

Deno.test("Seen hands on once what the cloud gave and the agent then gives after a gap", () => {
  const seen = new Seen();
  seen.startAt(3);
  assert.ok(seen.add(6));
  // 4 and 5 are no longer in the agent's log.
  assert.equal(seen.addOrdered(6), false);
  assert.equal(seen.base, 6);
});

Deno.test("Seen hands on once what the cloud gives twice", () => {
  const seen = new Seen();
  seen.startAt(3);
  assert.deepEqual([6, 6].map((seq) => seen.add(seq)), [true, false]);
});

Deno.test("Seen has one hole before neighbours, in whatever order they came", () => {
  const seen = new Seen();
  seen.startAt(3);
  for (const seq of [6, 8, 7, 12]) seen.add(seq);
  assert.deepEqual(seen.holes(20), [[4, 5], [9, 11]]);
  assert.deepEqual(seen.holes(1), [[9, 11]]);
});
