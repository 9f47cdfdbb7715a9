import assert from "node:assert/strict";
import { ApiError } from "../../src/cli/client.ts";
import { EXIT, exitCodeOf, messageOf, UsageError } from "../../src/cli/exit.ts";
import { ConfigError } from "../../src/config/mod.ts";
import { StoreError } from "../../src/store/mod.ts";

const cases: readonly [string, unknown, number][] = [
  ["an agent that runs already", new StoreError("locked", "held"), EXIT.alreadyRunning],
  ["a broken configuration", new ConfigError(["Unknown key a"]), EXIT.usage],
  ["a wrong command line", new UsageError("Cannot retry"), EXIT.usage],
  ["a database of a newer version", new StoreError("newer", "made by 9.9"), EXIT.usage],
  ["a database that may not be read", new StoreError("cannot-open", "denied"), EXIT.usage],
  ["what the agent takes for wrong", new ApiError(400, "Invalid request"), EXIT.usage],
  ["what the agent cannot do now", new ApiError(503, "Busy"), EXIT.failed],
  ["a full disk", new StoreError("full", "the disk is full"), EXIT.failed],
  ["a defect", new TypeError("x is not a function"), EXIT.failed],
];

for (const [what, error, code] of cases) {
  Deno.test(`exitCodeOf ends with ${code} for ${what}`, () => {
    assert.equal(exitCodeOf(error), code);
  });
}

Deno.test("messageOf has no word that steers a terminal, and keeps its lines", () => {
  const error = new Error('device "\u001b[2J\u202eevil"\nsecond\rline');
  assert.equal(messageOf(error), 'device " [2J evil"\nsecond line');
});
