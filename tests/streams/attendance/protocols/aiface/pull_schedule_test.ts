import assert from "node:assert/strict";
import { Relay } from "../../relay.ts";

const DAY_MS = 86_400_000;

/** From which day a device is asked that was away for so many days, until 5 October. */
async function askedFrom(days: number): Promise<unknown> {
  await using relay = await Relay.start();
  relay.clock.set(relay.clock.now() - days * DAY_MS);
  const before = await relay.registered();
  before.socket.close();
  await before.socket.closed;
  await relay.skip(days * DAY_MS);
  const device = await relay.registered();
  await relay.advance(4_000);
  return (await device.hear())?.from;
}

for (
  const [days, from, why] of [
    [0, "2026-10-04", "which may have sent none of yesterday's"],
    [10, "2026-09-24", "from the day before it left"],
    [60, "2026-09-03", "at most a month and a day back"],
  ] as const
) {
  Deno.test(`A device that was away for ${days} days is asked for its punches, ${why}`, async () => {
    assert.equal(await askedFrom(days), from);
  });
}
