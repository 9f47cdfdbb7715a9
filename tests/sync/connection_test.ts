import assert from "node:assert/strict";
import { Warnings } from "../../src/core/mod.ts";
import { Connection } from "../../src/sync/connection.ts";
import { FakeClock, settled } from "../support/fake_clock.ts";
import { FakeRemote } from "../support/fake_remote.ts";

const HOUR_MS = 3_600_000;

Deno.test("Connection warns of its own remote's clock, whatever another's says", async () => {
  const clock = new FakeClock();
  const warnings = new Warnings({ clock });
  const stop = new AbortController();
  const connect = (name: string, clockOffsetMs: number) => {
    const remote = Object.assign(new FakeRemote(), { name, clockOffsetMs });
    const connection = new Connection({ remote, clock, random: () => 0.5, warnings });
    return { remote, connection, running: connection.run(stop.signal) };
  };
  const wrong = connect("one cloud", -HOUR_MS);
  const right = connect("another", 0);
  await settled();
  const told = () => warnings.list().map(({ message }) => message);
  assert.deepEqual(told(), [
    "This machine's clock is about 60 min ahead of one cloud: set it, or the minutes go to wrong days",
  ]);
  assert.deepEqual([wrong.connection.clockOffsetMs, right.connection.clockOffsetMs], [-HOUR_MS, 0]);

  wrong.remote.clockOffsetMs = 500;
  wrong.connection.probeSoon();
  await settled();
  assert.deepEqual(told(), []);
  stop.abort();
  await Promise.all([wrong.running, right.running]);
});

Deno.test("Connection asks a remote that a lane could not reach at once whether it is there", async () => {
  const clock = new FakeClock();
  const remote = new FakeRemote();
  const stop = new AbortController();
  const warnings = new Warnings({ clock });
  const connection = new Connection({ remote, clock, random: () => 0.5, warnings });
  const running = connection.run(stop.signal);
  await settled();
  assert.equal(remote.probes, 1);
  remote.reachable = false;
  connection.heard(false);
  await settled();
  assert.equal(remote.probes, 2);
  // It is known to be away by now: the next probe has its own time.
  connection.heard(false);
  await settled();
  assert.equal(remote.probes, 2);
  stop.abort();
  await running;
});
