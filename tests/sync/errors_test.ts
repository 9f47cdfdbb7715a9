import assert from "node:assert/strict";
import fc from "fast-check";
import { type Action, RemoteError, type Verdict, VERDICTS } from "../../src/core/mod.ts";
import { failureOf, verdictOf } from "../../src/sync/errors.ts";

type Case = readonly [
  status: number | undefined,
  code: string | undefined,
  Action,
  Verdict["alone"],
];

/** Status and code as the clouds send them together. */
const cases: readonly Case[] = [
  // No answer
  [undefined, undefined, "retry", "wait"],
  [undefined, "timeout", "split", "wait"],
  // An answer that could not be read to its end
  [200, undefined, "retry", "wait"],
  // Statuses alone: the plain endpoint
  [301, undefined, "pause", "wait"],
  [308, undefined, "pause", "wait"],
  [400, undefined, "bisect", "reject"],
  [401, undefined, "sign-in", "wait"],
  [402, undefined, "pause", "wait"],
  [403, undefined, "pause", "wait"],
  [404, undefined, "pause", "wait"],
  [405, undefined, "pause", "wait"],
  [406, undefined, "pause", "wait"],
  [408, undefined, "split", "wait"],
  [409, undefined, "duplicate", "settle"],
  [410, undefined, "pause", "wait"],
  [413, undefined, "split", "reject"],
  [415, undefined, "pause", "wait"],
  [418, undefined, "pause", "wait"],
  [422, undefined, "bisect", "reject"],
  [423, undefined, "retry", "wait"],
  [425, undefined, "retry", "wait"],
  [429, undefined, "retry", "wait"],
  [500, undefined, "retry", "wait"],
  [501, undefined, "pause", "wait"],
  [502, undefined, "retry", "wait"],
  [503, undefined, "retry", "wait"],
  [504, undefined, "split", "wait"],
  [507, undefined, "retry", "wait"],
  [511, undefined, "retry", "wait"],
  [524, undefined, "split", "wait"],
  [599, undefined, "retry", "wait"],
  // A server's own codes say nothing here
  [500, "22", "retry", "wait"],
  [503, "23505-conflict", "retry", "wait"],
  [429, "PGRST", "retry", "wait"],
  [400, "toString", "bisect", "reject"],
  [422, "E_TOO_OLD", "bisect", "reject"],
  [500, "", "retry", "wait"],
];

for (const [status, code, action, alone] of cases) {
  Deno.test(`verdictOf: status ${status ?? "none"}, code ${code ?? "none"} → ${action}`, () => {
    const verdict = verdictOf({
      ...(status === undefined ? {} : { status }),
      ...(code === undefined ? {} : { code }),
    });
    assert.deepEqual([verdict.action, verdict.alone], [action, alone]);
  });
}

Deno.test("verdictOf tells a person what to do whenever it waits for one", () => {
  fc.assert(
    fc.property(anyStatus(), anyCode(), (status, code) => {
      const verdict = verdictOf({ status, code });
      assert.equal(verdict.advice !== undefined, verdict.action === "pause");
    }),
  );
});

Deno.test("verdictOf rejects a row only for an answer that speaks of rows, never for a broken server", () => {
  for (let status = 500; status < 600; status++) {
    assert.notEqual(verdictOf({ status }).alone, "reject", String(status));
    assert.notEqual(verdictOf({ status }).alone, "settle", String(status));
  }
  for (const alone of ["reject", "settle", "later"]) {
    assert.notEqual(verdictOf({}).alone, alone);
    assert.notEqual(verdictOf({ code: "timeout" }).alone, alone);
  }
});

Deno.test("verdictOf takes the remote's own verdict before the status", () => {
  const { verdict } = failureOf(
    new RemoteError("Cannot push", { status: 500, code: "21000", verdict: VERDICTS.bisect }),
  );
  assert.equal(verdict, VERDICTS.bisect);
});

Deno.test("verdictOf has an answer for every status", () => {
  for (let status = 100; status < 1_000; status++) assert.ok(verdictOf({ status }).action);
});

function anyStatus(): fc.Arbitrary<number | undefined> {
  return fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined });
}

function anyCode(): fc.Arbitrary<string | undefined> {
  return fc.option(fc.oneof(fc.constant("timeout"), fc.string()), { nil: undefined });
}
