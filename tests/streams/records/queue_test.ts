import assert from "node:assert/strict";
import { coalesce, type Operation } from "../../../src/streams/records/queue.ts";

const cases: readonly [Operation, Operation, boolean, Operation | undefined][] = [
  ["INSERT", "UPDATE", false, "INSERT"],
  ["INSERT", "UPDATE", true, "INSERT"],
  ["INSERT", "DELETE", false, undefined],
  ["INSERT", "DELETE", true, "DELETE"],
  ["UPDATE", "UPDATE", true, "UPDATE"],
  ["UPDATE", "DELETE", false, "DELETE"],
  // The cloud has the row, as a tombstone or alive: an INSERT would be a second one.
  ["DELETE", "INSERT", false, "UPDATE"],
  ["DELETE", "UPDATE", true, "UPDATE"],
  ["DELETE", "DELETE", true, "DELETE"],
];

for (const [waiting, then, reachedCloud, expected] of cases) {
  const where = reachedCloud ? "that may have reached the cloud" : "that has not left";
  Deno.test(`coalesce makes ${expected ?? "nothing"} of ${waiting} ${where}, then ${then}`, () => {
    assert.equal(coalesce(waiting, then, { reachedCloud }), expected);
  });
}
