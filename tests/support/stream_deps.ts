/** A stream's dependencies in a test: those of a machine without a cloud, on a given store. @module */
import { Hub, idSource, systemClock, Warnings } from "../../src/core/mod.ts";
import type { Store, StreamDeps } from "../../src/store/mod.ts";

export function streamDeps(store: Store, given: Partial<StreamDeps> = {}): StreamDeps {
  const { clock = systemClock, hub = new Hub() } = given;
  return {
    store,
    hub,
    clock,
    warnings: new Warnings({ clock, hub }),
    ids: idSource(clock),
    deviceId: "pc-1",
    formerDeviceIds: [],
    forgetFormerDeviceIds: () => {},
    systemId: "pc-1",
    timeZone: "UTC",
    dryRun: false,
    cloud: false,
    twoWay: false,
    realtime: () => null,
    clockOffsetMs: () => null,
    logEvent: () => undefined,
    ...given,
  };
}
