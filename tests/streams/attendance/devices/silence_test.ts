/** @module */
import assert from "node:assert/strict";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { tempDir } from "../../../support/temp.ts";
import { Relay, type RelayOptions } from "../relay.ts";

const HOUR_MS = 3_600_000;

/** A device that polled in these hours of yesterday; it is now 09:20 in India, 03:50 UTC. */
async function relayAfterDay(
  path: string,
  { from, to, ...options }: { from: number; to: number } & RelayOptions,
): Promise<Relay> {
  const clock = new FakeClock("2026-10-04T00:00:00.000Z");
  {
    await using relay = await Relay.start({ path, clock });
    const start = clock.now();
    for (let hour = from; hour < to; hour++) {
      clock.set(start + hour * HOUR_MS + 1_800_000);
      await relay.iclock().poll();
      await relay.skip(11_000);
    }
  }
  clock.set(Date.parse("2026-10-05T03:50:00.000Z"));
  return await Relay.start({ path, clock, ...options });
}

/** Time in which the relay looks after its devices, every 100 s. */
async function pass(relay: Relay, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100_000) await relay.skip(Math.min(left, 100_000));
}

const warned = (relay: Relay) =>
  relay.warnings.list().find(({ code }) => code === "attendance.silent.DEV1")?.message;
const silent = async (relay: Relay) => [
  (await relay.device())?.silent,
  relay.stream.gauges!().find(({ name }) => name === "attendance_devices_silent")?.value,
];

Deno.test("A device that is silent at an hour at which it usually speaks is told of until it speaks", async () => {
  using dir = tempDir();
  await using relay = await relayAfterDay(`${dir.path}/a.db`, { from: 0, to: 24 });
  await pass(relay, 59 * 60_000);
  assert.deepEqual(await silent(relay), [false, 0], "the agent has listened for less than an hour");
  await pass(relay, 3 * 60_000);
  assert.deepEqual(await silent(relay), [true, 1]);
  assert.match(
    warned(relay) ?? "",
    /^Device Front door \(DEV1\) was last heard at 2026-10-04T23:30:0\d.*Look at its power/,
  );
  assert(
    relay.messages.some(({ topic, data }) =>
      topic === "devices" && (data as { silent: boolean }).silent
    ),
  );
  await relay.iclock().poll();
  await relay.advance(1_000);
  assert.deepEqual(await silent(relay), [false, 0]);
  assert.equal(warned(relay), undefined);
});

Deno.test("A device that is usually off at this hour may be silent", async () => {
  using dir = tempDir();
  await using relay = await relayAfterDay(`${dir.path}/a.db`, { from: 10, to: 20 });
  await pass(relay, 2 * HOUR_MS);
  assert.deepEqual(await silent(relay), [false, 0]);
});

Deno.test("silent_after_min says how long a device may be silent, and 0 that it may be at any time", async () => {
  for (const [silent_after_min, expected] of [[10, true], [240, false], [0, false]] as const) {
    using dir = tempDir();
    await using relay = await relayAfterDay(`${dir.path}/a.db`, {
      from: 0,
      to: 24,
      config: { silent_after_min },
    });
    await pass(relay, 12 * 60_000);
    assert.equal((await silent(relay))[0], expected, `${silent_after_min} min`);
  }
});

Deno.test("A machine that has slept gives devices their time to come back", async () => {
  using dir = tempDir();
  await using relay = await relayAfterDay(`${dir.path}/a.db`, { from: 0, to: 24 });
  await pass(relay, 30 * 60_000);
  relay.clock.set(relay.clock.now() + 5 * HOUR_MS);
  await pass(relay, 50 * 60_000);
  assert.deepEqual(await silent(relay), [false, 0]);
  await pass(relay, 15 * 60_000);
  assert.deepEqual(await silent(relay), [true, 1]);
});
