import assert from "node:assert/strict";
import { attention } from "../../../src/dashboard/model/attention.ts";
import type { Known } from "../../../src/dashboard/source/source.ts";

const QUIET = { sync: null, warnings: [] };
const warning = (code: string) => ({
  ...QUIET,
  warnings: [{ code, message: "", since: "2026-03-02T12:00:00.000Z" }],
});
const devices = { online: 1, offline: 0, pending: 1, unsupported: 0 };

for (
  const [what, known, expected] of [
    ["nothing", QUIET, {}],
    ["a conflict that nobody has seen", { ...QUIET, records: { conflicts_unseen: 1 } }, {
      records: "warn",
    }],
    ["conflicts that were seen", { ...QUIET, records: { conflicts_unseen: 0 } }, {}],
    ["a device that waits for approval", { ...QUIET, attendance: { devices } }, {
      attendance: "warn",
    }],
    ["what a device sent in vain", warning("attendance.quarantine"), { attendance: "warn" }],
    ["records that wait", warning("records.waiting"), { records: "warn" }],
    ["refused rows", warning("sync.playtime.rejected"), { sync: "warn" }],
    ["a warning that belongs to no panel", warning("disk"), {}],
  ] as const
) {
  Deno.test(`A dot stands for ${what}: ${Object.keys(expected)}`, () => {
    // Only what is read of it.
    const panels = attention(known as unknown as Known);
    assert.deepEqual(Object.fromEntries(panels), expected);
  });
}
