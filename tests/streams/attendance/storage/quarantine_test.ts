/** The quarantine: what is kept of what could not be read. @module */
import assert from "node:assert/strict";
import { Relay } from "../relay.ts";

Deno.test("The quarantine keeps the same text once for each device", async () => {
  await using relay = await Relay.start({
    config: { devices: [{ sn: "DEV1", name: "Front" }, { sn: "DEV2", name: "Back" }] },
  });
  for (const sn of ["DEV1", "DEV2", "DEV1"]) await relay.iclock(sn).post("ATTLOG", "no punch\n");
  const kept = relay.rows("SELECT device_sn FROM device_quarantine ORDER BY seq");
  assert.deepEqual(kept.map(({ device_sn }) => device_sn), ["DEV1", "DEV2"]);
});
