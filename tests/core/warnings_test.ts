import assert from "node:assert/strict";
import { Warnings } from "../../src/core/mod.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";

Deno.test("Warnings keeps the time a matter began while its words change", () => {
  const clock = new FakeClock("2026-01-16T12:00:00Z");
  const warnings = new Warnings({ clock });
  warnings.raise("processes", "Cannot list processes: it hangs.");
  clock.set("2026-01-16T13:00:00Z");
  warnings.raise("processes", "Cannot list processes: it fails.");
  assert.deepEqual(warnings.list(), [
    {
      code: "processes",
      message: "Cannot list processes: it fails.",
      since: "2026-01-16T12:00:00.000Z",
    },
  ]);
});

Deno.test("Warnings forgets a matter that is over", () => {
  const warnings = new Warnings();
  warnings.raise("processes", "Cannot list processes: it hangs.");
  warnings.clear("processes");
  assert.deepEqual(warnings.list(), []);
});
