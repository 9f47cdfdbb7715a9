import assert from "node:assert/strict";
import fc from "fast-check";
import { type Action, classify, type Verdict } from "../../src/sync/classify.ts";

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
  // PostgREST
  [503, "PGRST000", "retry", "wait"],
  [503, "PGRST001", "retry", "wait"],
  [503, "PGRST002", "retry", "wait"],
  [504, "PGRST003", "retry", "wait"],
  [400, "PGRST100", "pause", "wait"],
  [400, "PGRST102", "bisect", "reject"],
  [406, "PGRST106", "pause", "wait"],
  [300, "PGRST203", "pause", "wait"],
  [400, "PGRST204", "pause", "wait"],
  [404, "PGRST205", "pause", "wait"],
  [500, "PGRST300", "pause", "wait"],
  [401, "PGRST301", "sign-in", "wait"],
  [401, "PGRST302", "sign-in", "wait"],
  [400, "PGRST303", "sign-in", "wait"],
  [500, "PGRSTX00", "retry", "wait"],
  // PostgreSQL through PostgREST
  [503, "08006", "retry", "wait"],
  [500, "21000", "bisect", "reject"],
  [400, "22P02", "bisect", "reject"],
  [400, "22001", "bisect", "reject"],
  [400, "23502", "bisect", "reject"],
  [409, "23503", "bisect", "later"],
  [409, "23505", "duplicate", "settle"],
  [400, "23514", "bisect", "reject"],
  [400, "23P01", "bisect", "reject"],
  [405, "25006", "pause", "wait"],
  [403, "28P01", "pause", "wait"],
  [500, "40001", "retry", "wait"],
  [500, "40P01", "retry", "wait"],
  [401, "42501", "sign-in", "wait"],
  [403, "42501", "pause", "wait"],
  [400, "42703", "pause", "wait"],
  [404, "42883", "pause", "wait"],
  [404, "42P01", "pause", "wait"],
  [400, "42P10", "pause", "wait"],
  [500, "42P17", "pause", "wait"],
  [503, "53300", "retry", "wait"],
  [500, "54000", "split", "reject"],
  [500, "54001", "split", "reject"],
  [500, "55P03", "retry", "wait"],
  [500, "57014", "split", "wait"],
  [503, "57P01", "retry", "wait"],
  [500, "58030", "retry", "wait"],
  [400, "P0001", "bisect", "reject"],
  [500, "XX000", "retry", "wait"],
  // The embedded Supabase of the tests answers 400 to every database error: the code decides
  [400, "57014", "split", "wait"],
  [400, "42P01", "pause", "wait"],
  // Codes of a server's own do not speak for PostgreSQL
  [500, "22", "retry", "wait"],
  [503, "23505-conflict", "retry", "wait"],
  [429, "PGRST", "retry", "wait"],
  [400, "toString", "bisect", "reject"],
  [422, "E_TOO_OLD", "bisect", "reject"],
  [500, "", "retry", "wait"],
];

for (const [status, code, action, alone] of cases) {
  Deno.test(`classify: status ${status ?? "none"}, code ${code ?? "none"} → ${action}`, () => {
    const verdict = classify({
      ...(status === undefined ? {} : { status }),
      ...(code === undefined ? {} : { code }),
    });
    assert.deepEqual([verdict.action, verdict.alone], [action, alone]);
  });
}

Deno.test("classify tells a person what to do whenever it waits for one", () => {
  fc.assert(
    fc.property(anyStatus(), anyCode(), (status, code) => {
      const verdict = classify({ status, code });
      assert.equal(verdict.advice !== undefined, verdict.action === "pause");
    }),
  );
});

Deno.test("classify rejects a row only for an answer that speaks of rows, never for a broken server", () => {
  for (let status = 500; status < 600; status++) {
    assert.notEqual(classify({ status }).alone, "reject", String(status));
    assert.notEqual(classify({ status }).alone, "settle", String(status));
  }
  for (const alone of ["reject", "settle", "later"]) {
    assert.notEqual(classify({}).alone, alone);
    assert.notEqual(classify({ code: "timeout" }).alone, alone);
  }
});

Deno.test("classify has an answer for every status", () => {
  for (let status = 100; status < 1_000; status++) assert.ok(classify({ status }).action);
});

function anyStatus(): fc.Arbitrary<number | undefined> {
  return fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined });
}

function anyCode(): fc.Arbitrary<string | undefined> {
  const kinds = [
    /^PGRST\d{3}$/,
    /^PGRSTX\d\d$/,
    /^[0-9A-Z]{5}$/,
    /^(2[123]|4[02]|5[3478]|P0|XX)\w{3}$/,
  ];
  return fc.option(fc.oneof(...kinds.map((kind) => fc.stringMatching(kind)), fc.string()), {
    nil: undefined,
  });
}
