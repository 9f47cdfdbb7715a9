import assert from "node:assert/strict";
import { Hub, type Stream, Warnings } from "../../../src/core/mod.ts";
import type { SyncStatus } from "../../../src/contract/sync.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempStore } from "../../support/temp.ts";
import { SyncBench } from "../../support/sync_bench.ts";
import { testApi } from "../../support/api.ts";

const SYNC: SyncStatus = {
  state: "disconnected",
  online: false,
  running: true,
  clock_offset_ms: null,
  signed_in_as: null,
  lanes: [],
};

const playtime: Stream = {
  name: "playtime",
  status: () => ({ is_playing: true, last_seen: "2026-03-02T12:00:00.000Z" }),
};

Deno.test("/status puts the streams' status and the agent's side by side", async () => {
  const clock = new FakeClock();
  const warnings = new Warnings({ clock });
  await using bench = new SyncBench();
  warnings.raise("clock", "The clock is off by an hour.");
  using test = testApi({
    streams: [playtime, { name: "attendance", status: () => ({ devices: { online: 2 } }) }],
    sync: Object.assign(bench.engine, { online: () => false, status: () => SYNC }),
    clock,
    warnings,
  });
  await clock.advance(61_900);
  const response = await test.ask("/status");
  const { version, database, ...status } = await response.json();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok(database.bytes > 0 && database.wal_bytes >= 0);
  assert.deepEqual(status, {
    is_playing: true,
    last_seen: "2026-03-02T12:00:00.000Z",
    devices: { online: 2 },
    online: false,
    device_id: "pc-1",
    system_id: "pc-1",
    flavour: "clockblock",
    started_at: "2026-03-02T12:00:00.000Z",
    uptime_sec: 61,
    sync: SYNC,
    warnings: [{
      code: "clock",
      message: "The clock is off by an hour.",
      since: "2026-03-02T12:00:00.000Z",
    }],
    event_loop: { delay_max_ms: 0 },
  });
});

Deno.test("/status says online: null where no cloud is configured", async () => {
  using test = testApi();
  const status = await (await test.ask("/status")).json();
  assert.equal(status.online, null);
  assert.equal(status.sync, null);
});

Deno.test("/status is made once for all who ask at the same time, and again upon news", async () => {
  let made = 0;
  const hub = new Hub();
  using test = testApi({
    hub,
    streams: [{ name: "playtime", status: () => ({ made: ++made }) }],
  });
  const asked = await Promise.all(
    Array.from({ length: 100 }, async () => (await (await test.ask("/status")).json()).made),
  );
  assert.ok(made < 50, `${made} times`);
  hub.publish("heartbeat", {});
  const { made: then } = await (await test.ask("/status")).json();
  assert.ok(then > Math.max(...asked));
});

Deno.test("/status tells the rest when a stream cannot tell its own", async () => {
  using test = testApi({
    streams: [playtime, {
      name: "events",
      status: () => {
        throw new Error("disk I/O error");
      },
    }],
  });
  const response = await test.ask("/status");
  assert.equal(response.status, 200);
  const status = await response.json();
  assert.equal(status.is_playing, true);
  assert.deepEqual(status.warnings.map(({ code }: { code: string }) => code), ["status.events"]);
});

Deno.test("/healthz says that all is well, and what is not", async () => {
  using temp = tempStore();
  using test = testApi({ store: temp.store });
  const well = await test.ask("/healthz");
  assert.equal(well.status, 200);
  assert.deepEqual(await well.json(), {
    status: "ok",
    reasons: [],
    sync: null,
    warnings: 0,
  });

  test.api.close();
  const stopping = await test.ask("/healthz");
  assert.equal(stopping.status, 503);
  assert.deepEqual(await stopping.json(), {
    status: "failing",
    reasons: ["the agent is stopping"],
    sync: null,
    warnings: 0,
  });
});

Deno.test("/healthz says that the database does not answer", async () => {
  const temp = tempStore();
  using test = testApi({ store: temp.store });
  temp[Symbol.dispose]();
  const response = await test.ask("/healthz");
  assert.equal(response.status, 503);
  const { reasons } = await response.json();
  assert.match(reasons[0], /^the database does not answer: /);
});
