import assert from "node:assert/strict";
import { ClockTrust } from "../../../src/store/outbox/clock_trust.ts";
import { openStore } from "../../../src/store/recovery/recovery.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";

const DAY_MS = 86_400_000;

Deno.test("A clock that leaps ahead is not trusted for a day", async () => {
  const clock = new FakeClock("2026-10-20T12:00:00.000Z");
  using bench = trustBench();
  const trust = new ClockTrust(bench.open(clock), clock);
  assert.equal(await trust.trusted(), true);
  clock.set("2056-10-20T12:00:00.000Z");
  assert.equal(await trust.trusted(), false);
  await clock.advance(DAY_MS - 1);
  assert.equal(await trust.trusted(), false);
  await clock.advance(1);
  assert.equal(await trust.trusted(), true);
});

Deno.test("A clock that time passes on is trusted, and so is one that is set back", async () => {
  const clock = new FakeClock("2026-10-20T12:00:00.000Z");
  using bench = trustBench();
  const trust = new ClockTrust(bench.open(clock), clock);
  await clock.advance(40 * DAY_MS);
  assert.equal(await trust.trusted(), true);
  clock.set("2026-10-21T12:00:00.000Z");
  assert.equal(await trust.trusted(), true);
});

Deno.test("A start days after the last look is not trusted until the agent has run for a day", async () => {
  using bench = trustBench();
  const before = new FakeClock("2026-10-20T12:00:00.000Z");
  assert.equal(await new ClockTrust(bench.open(before), before).trusted(), true);

  const soon = new FakeClock("2026-10-21T08:00:00.000Z");
  assert.equal(await new ClockTrust(bench.open(soon), soon).trusted(), true);

  // Ten hours a day: the doubt outlives a start, and comes to its end.
  for (const [day, trusted] of [["25", false], ["26", false], ["27", true]] as const) {
    const clock = new FakeClock(`2026-10-${day}T08:00:00.000Z`);
    const trust = new ClockTrust(bench.open(clock), clock);
    assert.equal(await trust.trusted(), false, day);
    await clock.advance(10 * 3_600_000);
    assert.equal(await trust.trusted(), trusted, day);
  }
});

Deno.test("A clock that is set back and right again is not trusted for a day, within a run and between two", async () => {
  using bench = trustBench();
  const right = new FakeClock("2026-10-20T12:00:00.000Z");
  await new ClockTrust(bench.open(right), right).trusted();
  const back = new FakeClock("2020-01-01T00:00:00.000Z");
  const trust = new ClockTrust(bench.open(back), back);
  assert.equal(await trust.trusted(), true);
  back.set("2026-10-20T13:00:00.000Z");
  assert.equal(await trust.trusted(), false);
  const next = new FakeClock("2026-10-20T14:00:00.000Z");
  assert.equal(await new ClockTrust(bench.open(next), next).trusted(), false);
});

/** A database that is closed and opened again, as by one start after another. */
function trustBench() {
  const dir = tempDir();
  let close = () => {};
  return {
    open(clock: FakeClock) {
      close();
      const store = openStore(`${dir.path}/clockblock.db`, {
        migrations: [],
        clock,
      });
      close = () => store.close();
      return store;
    },
    [Symbol.dispose]() {
      close();
      dir[Symbol.dispose]();
    },
  };
}
