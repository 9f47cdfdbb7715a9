import assert from "node:assert/strict";
import { pause, type Row, Warnings } from "../../src/core/mod.ts";
import { reportDevice } from "../../src/sync/device_report.ts";
import { FakeClock, settled } from "../support/fakes/fake_clock.ts";
import { fail, FakeRemote } from "../support/fakes/fake_remote.ts";

class Bench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly remote = new FakeRemote();
  readonly warnings = new Warnings({ clock: this.clock });
  fields: Record<string, unknown> = { is_playing: false, waiting: { playtime: 0 } };
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor() {
    this.#running = reportDevice({
      remote: this.remote,
      describe: (): Row => ({ id: "pc-1", last_seen: this.clock.now(), ...this.fields }),
      clock: this.clock,
      random: () => 0,
      warnings: this.warnings,
      timeoutMs: 10_000,
    }, this.#stop.signal);
  }

  get reports(): number {
    return this.remote.requests.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(1_000);
    await this.#running;
  }
}

Deno.test("reportDevice reports at the start, and every five minutes while nothing changes", async () => {
  await using bench = new Bench();
  await settled();
  assert.equal(bench.reports, 1);
  assert.deepEqual(bench.remote.batches[0]?.table, "devices");
  await bench.clock.advance(10 * 60_000);
  assert.equal(bench.reports, 3);
});

Deno.test("reportDevice reports a change, once a minute at most", async () => {
  await using bench = new Bench();
  await settled();
  for (let second = 0; second < 300; second++) {
    bench.fields = { is_playing: second % 2 === 0, minutes_today: second };
    await bench.clock.advance(1_000);
  }
  assert.equal(bench.reports, 6);
});

Deno.test("reportDevice takes what waits for no news of its own", async () => {
  await using bench = new Bench();
  await settled();
  bench.fields = { is_playing: false, waiting: { playtime: 12 } };
  await bench.clock.advance(3 * 60_000);
  assert.equal(bench.reports, 1);
});

Deno.test("reportDevice reports again what did not arrive", async () => {
  await using bench = new Bench();
  bench.remote.script.push(fail());
  await settled();
  assert.equal(bench.reports, 1);
  await bench.clock.advance(60_000);
  assert.equal(bench.reports, 2);
  assert.deepEqual([...bench.remote.stored.keys()], ["pc-1"]);
});

Deno.test("reportDevice says what a person has to do, until it is done", async () => {
  await using bench = new Bench();
  bench.remote.script.push(fail(404, { verdict: pause("make the table") }));
  await settled();
  assert.match(bench.warnings.list()[0]?.message ?? "", /make the table/);
  await bench.clock.advance(60_000);
  assert.deepEqual(bench.warnings.list(), []);
});
