import assert from "node:assert/strict";
import { failureWords } from "../../../src/dashboard/model/failure.ts";
import { Refusal } from "../../../src/dashboard/source/source.ts";

for (
  const [error, words] of [
    [
      new TypeError("Failed to fetch"),
      "Nothing answered in time. Is the agent running? Try again in a moment.",
    ],
    [
      new Refusal(404, "No such record", 'tasks has no record "x"'),
      'No such record: tasks has no record "x".',
    ],
    [new Refusal(500, "Internal error", ""), "Internal error. The agent's log has the reason."],
    [new Refusal(507, "The disk is full", "Make room."), "The disk is full: Make room."],
  ] as const
) {
  Deno.test(`A failure in words: ${words}`, () => assert.equal(failureWords(error), words));
}
