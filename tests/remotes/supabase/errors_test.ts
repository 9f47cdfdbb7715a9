import assert from "node:assert/strict";
import fc from "fast-check";
import type { Action, RemoteError, Verdict } from "../../../src/core/mod.ts";
import {
  columnIn,
  isHiddenRow,
  isRowPolicy,
  remoteError,
  violatedKey,
} from "../../../src/remotes/supabase/errors.ts";

function errorOf(
  status: number,
  { code = "", message = "", details = null }: {
    code?: string;
    message?: string;
    details?: string | null;
  } = {},
): RemoteError {
  return remoteError("push rows to", { code, message, details }, { name: "supabase", status });
}

type Case = readonly [status: number, code: string, Action | undefined, Verdict["alone"]?];

/** Status and code as PostgREST sends them together. */
const cases: readonly Case[] = [
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
  [404, "", "pause", "wait"],
  [500, "PGRST300", "pause", "wait"],
  [401, "PGRST301", "sign-in", "wait"],
  [401, "PGRST302", "sign-in", "wait"],
  [400, "PGRST303", "sign-in", "wait"],
  [500, "PGRSTX00", "retry", "wait"],
  [503, "08006", "retry", "wait"],
  [400, "21000", "bisect", "reject"],
  [500, "21000", "bisect", "reject"],
  [400, "22P02", "bisect", "reject"],
  [400, "22001", "bisect", "reject"],
  [400, "23502", "bisect", "reject"],
  [409, "23503", "bisect", "later"],
  [409, "23505", "bisect", "reject"],
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
  [500, "55P03", "retry", "wait"],
  [500, "57014", "split", "wait"],
  [503, "57P01", "retry", "wait"],
  [500, "58030", "retry", "wait"],
  [400, "P0001", "bisect", "reject"],
  [500, "XX000", "retry", "wait"],
  // Codes of a gateway's own say nothing: the engine goes by the status.
  [500, "22", undefined],
  [503, "23505-conflict", undefined],
  [400, "toString", undefined],
];

for (const [status, code, action, alone] of cases) {
  Deno.test(`remoteError: status ${status}, code ${code || "none"} → ${action ?? "the status"}`, () => {
    const { verdict } = errorOf(status, { code });
    assert.deepEqual([verdict?.action, verdict?.alone], [action, alone]);
  });
}

Deno.test("remoteError tells a refused row from a table without rights", () => {
  const row = errorOf(403, {
    code: "42501",
    message: 'new row violates row-level security policy for table "tasks"',
  });
  const hidden = errorOf(403, {
    code: "42501",
    message: 'new row violates row-level security policy (USING expression) for table "tasks"',
  });
  const table = errorOf(403, { code: "42501", message: "permission denied for table tasks" });
  assert.deepEqual([row, hidden, table].map(({ verdict }) => verdict?.action), [
    "bisect",
    "bisect",
    "pause",
  ]);
  assert.deepEqual([row, hidden, table].map(isRowPolicy), [true, true, false]);
  assert.deepEqual([row, hidden, table].map(isHiddenRow), [false, true, false]);
  assert.match(table.message, /permission denied for table tasks/);
  assert.match(table.verdict?.advice ?? "", /clockblock schema supabase/);
});

Deno.test("violatedKey names the columns of the key that a row met", () => {
  const error = errorOf(409, {
    code: "23505",
    message: 'duplicate key value violates unique constraint "zoe_events_key"',
    details: "Key (system_id, mode, idempotency_key)=(pc-1, paper, a) already exists.",
  });
  assert.deepEqual(violatedKey(error), {
    columns: ["system_id", "mode", "idempotency_key"],
    primary: false,
  });
  const hidden = errorOf(409, {
    code: "23505",
    message: 'duplicate key value violates unique constraint "zoe_events_pkey"',
  });
  assert.deepEqual(violatedKey(hidden), { columns: [], primary: true });
  assert.ok(!error.message.includes("paper"), error.message);
  assert.equal(violatedKey(errorOf(409, { code: "23503" })), undefined);
});

for (
  const message of [
    "Could not find the 'extra' column of 'tasks' in the schema cache",
    "Column 'extra' of relation 'tasks' does not exist",
    'column "extra" of relation "tasks" does not exist',
    "column tasks.extra does not exist",
    'cannot insert a non-DEFAULT value into column "extra"',
  ]
) {
  Deno.test(`columnIn finds the column in: ${message}`, () => {
    assert.equal(columnIn(message), "extra");
  });
}

Deno.test("remoteError tells a person what to do whenever it waits for one", () => {
  const anyCode = fc.oneof(
    ...[/^PGRST\d{3}$/, /^PGRSTX\d\d$/, /^[0-9A-Z]{5}$/, /^(2[123]|4[02]|5[3478]|P0|XX)\w{3}$/]
      .map((kind) => fc.stringMatching(kind)),
    fc.string(),
  );
  fc.assert(fc.property(fc.integer({ min: 300, max: 599 }), anyCode, (status, code) => {
    const { verdict } = errorOf(status, { code });
    if (verdict) assert.equal(verdict.advice !== undefined, verdict.action === "pause");
  }));
});

Deno.test("remoteError has no status and no words of a row when no answer came", () => {
  const error = remoteError("push rows to", { name: "TimeoutError", message: "TimeoutError: x" }, {
    name: "supabase",
  });
  assert.deepEqual([error.status, error.code, error.verdict], [undefined, "timeout", undefined]);
});

Deno.test("remoteError has what a row says in its detail only, never in its message", () => {
  const error = remoteError("push 1 rows of tasks to", {
    code: "23505",
    message: 'duplicate key value violates unique constraint "tasks_title_key"',
    details: "Key (title)=(a private title) already exists.",
  }, { name: "supabase x", status: 409 });
  assert.equal(error.message, 'Cannot push 1 rows of tasks to "supabase x": status 409, 23505');
  assert.match(error.detail ?? "", /a private title/);
  const syntax = remoteError("push 1 rows of tasks to", {
    code: "22P02",
    message: 'invalid input syntax for type date: "a private day"',
  }, { name: "supabase x", status: 400 });
  assert.ok(!syntax.message.includes("private"), syntax.message);
});
