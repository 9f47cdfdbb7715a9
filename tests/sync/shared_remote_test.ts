import assert from "node:assert/strict";
import { Warnings } from "../../src/core/mod.ts";
import { SharedRemote } from "../../src/sync/shared_remote.ts";
import { FakeClock, settled } from "../support/fakes/fake_clock.ts";
import { FakeRemote } from "../support/fakes/fake_remote.ts";

const HOUR_MS = 3_600_000;

Deno.test("SharedRemote warns of its own remote's clock, whatever another's says", async () => {
  const clock = new FakeClock();
  const warnings = new Warnings({ clock });
  const stop = new AbortController();
  const connect = (name: string, clockOffsetMs: number) => {
    const remote = Object.assign(new FakeRemote(), { name, clockOffsetMs });
    const shared = new SharedRemote({ remote, clock, random: () => 0.5, warnings });
    return { remote, shared, running: shared.run(stop.signal) };
  };
  const wrong = connect("one cloud", -HOUR_MS);
  const right = connect("another", 0);
  await settled();
  const told = () => warnings.list().map(({ message }) => message);
  assert.deepEqual(told(), [
    "This machine's clock is about 60 min ahead of one cloud: set it, or the minutes go to wrong days",
  ]);
  assert.deepEqual([wrong.shared.clockOffsetMs, right.shared.clockOffsetMs], [-HOUR_MS, 0]);

  wrong.remote.clockOffsetMs = 500;
  wrong.shared.probeSoon();
  await settled();
  assert.deepEqual(told(), []);
  stop.abort();
  await Promise.all([wrong.running, right.running]);
});

Deno.test("SharedRemote asks a remote that a lane could not reach at once whether it is there", async () => {
  const clock = new FakeClock();
  const remote = new FakeRemote();
  const stop = new AbortController();
  const warnings = new Warnings({ clock });
  const shared = new SharedRemote({ remote, clock, random: () => 0.5, warnings });
  const running = shared.run(stop.signal);
  await settled();
  assert.equal(remote.probes, 1);
  remote.reachable = false;
  shared.note(false);
  await settled();
  assert.equal(remote.probes, 2);
  // It is known to be away by now: the next probe has its own time.
  shared.note(false);
  await settled();
  assert.equal(remote.probes, 2);
  stop.abort();
  await running;
});
