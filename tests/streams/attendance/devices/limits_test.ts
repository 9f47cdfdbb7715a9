import assert from "node:assert/strict";
import {
  ConnectionQuota,
  DEFAULT_LIMITS,
  type Limits,
} from "../../../../src/streams/attendance/devices/limits.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";

function quota(limits: Partial<Limits> = {}): { quota: ConnectionQuota; clock: FakeClock } {
  const clock = new FakeClock();
  return { quota: new ConnectionQuota({ ...DEFAULT_LIMITS, ...limits }, { clock }), clock };
}

const share = (bounds: Partial<Limits["strangers"]>) => ({
  ...DEFAULT_LIMITS.strangers,
  ...bounds,
});

Deno.test("ConnectionQuota bounds the connections of strangers at one address, and all connections", () => {
  const { quota: gate } = quota({
    connections: 4,
    strangers: share({ connectionsPerAddress: 2 }),
  });
  const device = gate.enter("a")!;
  device.recognise();
  const seats = ["a", "a", "a", "b", "b"].map((address) => gate.enter(address));
  assert.deepEqual(seats.map(Boolean), [true, true, false, true, false]);
  assert(gate.addressFull("a"));
  assert(gate.full);
  seats[0]!.leave();
  assert(gate.enter("b"));
});

Deno.test("ConnectionQuota counts a connection as a device's only as long as there is room", () => {
  const { quota: gate } = quota({ devices: share({ connectionsPerAddress: 1 }) });
  const seats = [gate.enter("a")!, gate.enter("a")!, gate.enter("b")!];
  for (const slot of seats) slot.recognise();
  assert.deepEqual(seats.map(({ known }) => known), [true, false, true]);
  seats[0]!.leave();
  seats[1]!.recognise();
  assert(seats[1]!.known);
});

Deno.test("ConnectionQuota makes a sender wait that is too fast, and forgives with time", async () => {
  const { quota: gate, clock } = quota({ messagesPerSecond: 10 });
  const fast = gate.enter("a")!;
  const delays = Array.from({ length: 23 }, () => fast.delay());
  assert.deepEqual(delays.slice(0, 20), Array(20).fill(0));
  assert.deepEqual(delays.slice(20), [100, 200, 300]);
  assert.equal(gate.enter("b")!.delay(), 0, "another address does not wait");
  const device = gate.enter("a")!;
  device.recognise();
  assert.equal(device.delay(), 0, "a device at the same address does not wait");
  await clock.sleep(10_000);
  assert.equal(fast.delay(), 0);
});

Deno.test("ConnectionQuota bounds what unfinished messages hold, for each address and for all strangers", () => {
  const { quota: gate } = quota({
    strangers: share({ heldBytes: 100, heldBytesPerAddress: 60 }),
  });
  const [a, b] = [gate.enter("a")!, gate.enter("b")!];
  assert(a.hold(60));
  assert(!a.hold(1));
  assert(!b.hold(60));
  assert(b.hold(-30));
});

Deno.test("ConnectionQuota moves what a device holds to the devices' budget", () => {
  const { quota: gate } = quota({
    strangers: share({ heldBytes: 100 }),
    devices: share({ heldBytes: 50 }),
  });
  const [device, stranger] = [gate.enter("a")!, gate.enter("a")!];
  assert(device.hold(40));
  device.recognise();
  assert(stranger.hold(100), "the strangers have all of theirs");
  assert(device.hold(10));
  assert(!device.hold(1));
});
