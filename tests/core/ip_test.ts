import assert from "node:assert/strict";
import { ipAddress } from "../../src/core/mod.ts";

Deno.test("ipAddress has one form for each address", () => {
  const forms = [
    "192.168.1.40",
    "FD00:0:0::1",
    "fe80::1%eth0",
    "192.168.1",
    "192.168.1.040",
    "door",
    "",
    "::1]/x",
  ];
  assert.deepEqual(forms.map(ipAddress), [
    "192.168.1.40",
    "fd00::1",
    "fe80::1%eth0",
    ...Array(5).fill(undefined),
  ]);
});
