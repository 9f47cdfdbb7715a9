import assert from "node:assert/strict";
import { addressesOf } from "../../../../src/streams/attendance/listener/addresses.ts";

const INTERFACES = [
  { family: "IPv4", address: "127.0.0.1" },
  { family: "IPv6", address: "fe80::1" },
  { family: "IPv4", address: "192.168.1.20" },
  { family: "IPv4", address: "169.254.7.7" },
  { family: "IPv4", address: "10.0.0.5" },
] as const;

Deno.test("addressesOf names what can be typed into a device's menu", () => {
  const all = { hostname: "0.0.0.0", port: 5001 };
  assert.deepEqual(addressesOf(all, INTERFACES), ["192.168.1.20:5001", "10.0.0.5:5001"]);
  assert.deepEqual(addressesOf(all, []), []);
  assert.deepEqual(addressesOf({ hostname: "10.0.0.5", port: 80 }, INTERFACES), ["10.0.0.5:80"]);
});
