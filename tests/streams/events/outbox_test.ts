import assert from "node:assert/strict";
import { Hub, type OutboxBatch, type Row, Warnings } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/streams/events/mod.ts";
import { SyncEngine } from "../../../src/sync/mod.ts";
import {
  type EventsBench,
  eventsBench,
  type EventsOptions,
  sampleEvent,
  storedEvents,
} from "../../support/events.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { fail, FakeRemote, poison } from "../../support/fakes/fake_remote.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const AT = "2026-03-02T12:00:00.000Z";

function flushLog({ store }: EventsBench): Record<string, unknown>[] {
  return store.db.prepare(
    "SELECT ts, mode, count, last_seq, status, error FROM local_flush_log ORDER BY id",
  ).all().map((row) => ({ ...row }));
}

/** The cloud's table: a row for each `idempotency_key`, and how often each was sent. */
class CloudTable {
  readonly rows = new Map<unknown, Row>();
  sent = 0;

  upsert(rows: readonly Row[]): void {
    for (const row of rows) {
      this.sent++;
      if (!this.rows.has(row.idempotency_key)) this.rows.set(row.idempotency_key, row);
    }
  }
}

/** The stream with a lane to a pretended cloud, on a clock that stands still. */
function synced(options: EventsOptions & { clock: FakeClock }) {
  const bench = eventsBench(options);
  const { clock } = options;
  const remote = new FakeRemote();
  const events = new CloudTable();
  const health: Row[] = [];
  remote.behave = (batch) => {
    if (batch.table === "zoe_events") events.upsert(batch.rows);
    else health.push(...batch.rows);
  };
  const engine = new SyncEngine({
    store: bench.store,
    lanes: [{
      name: "events",
      outbox: bench.stream.outbox,
      schedule: bench.stream.schedule,
      remote,
    }],
    clock,
    warnings: new Warnings({ clock }),
    hub: new Hub(),
    random: () => 0.5,
    networkInterfaces: () => [],
  });
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  return {
    ...bench,
    remote,
    events,
    health,
    engine,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await clock.advance(2_000);
      await running;
      bench[Symbol.dispose]();
    },
  };
}

Deno.test("The outbox reads ahead in the seq order of each mode, whichever mode's turn it was", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post(
    Array.from({ length: 8 }, (_, index) => sampleEvent({ mode: index < 4 ? "live" : "paper" })),
  );
  const told = ({ rows }: OutboxBatch) => rows.map(({ mode, seq }) => `${mode} ${seq}`);
  const first = outbox.pending(3);
  assert.deepEqual(told(first), ["live 1", "live 2", "live 3"]);
  assert.deepEqual(told(outbox.pendingAfter!(3, 3)), ["paper 1", "paper 2", "paper 3"]);
  // By now the first is settled, and the second is on its way.
  await bench.store.write(() => {
    outbox.settle(first.rows.map(({ id }) => id), AT);
    outbox.attempted?.({ at: AT, batch: first, status: "ok" });
  });
  assert.deepEqual(told(outbox.pendingAfter!(3, 3)), ["live 4"]);
});

Deno.test("The outbox passes over events that the cloud wants another time, in each mode", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post(
    Array.from({ length: 8 }, (_, index) => sampleEvent({ mode: index < 4 ? "live" : "paper" })),
  );
  const told = ({ rows }: OutboxBatch) => rows.map(({ mode, seq }) => `${mode} ${seq}`);
  const all = outbox.pending(4);
  assert.deepEqual(told(all), ["live 1", "live 2", "live 3", "live 4"]);
  outbox.passOver!(all.rows.slice(0, 2).map(({ id }) => id));
  assert.deepEqual(told(outbox.pending(4)), ["live 3", "live 4"]);
  outbox.passOver!(all.rows.slice(2).map(({ id }) => id));
  // The mode whose turn it is has nothing else to offer.
  const others = outbox.pending(2);
  assert.deepEqual(told(others), ["paper 1", "paper 2"]);
  assert.deepEqual(told(outbox.pendingAfter!(2, 4)), ["paper 3", "paper 4"]);
  outbox.passOver!(others.rows.map(({ id }) => id));
  await bench.post([sampleEvent({ mode: "live" })]);
  assert.deepEqual(told(outbox.pending(4)), ["live 5"]);
  outbox.startOver!();
  assert.deepEqual(told(outbox.pending(2)), ["live 1", "live 2"]);
});

Deno.test("The outbox gives events of one mode, in seq order, as the cloud has them", async () => {
  using bench = eventsBench();
  await bench.post([
    sampleEvent({ mode: "paper", idempotency_key: "p1", ts: AT, symbol: null }),
    sampleEvent({ idempotency_key: "l1", ts: AT }),
    sampleEvent({ mode: "paper", idempotency_key: "p2" }),
    sampleEvent({ idempotency_key: "l2" }),
  ]);
  const { stream, table, operation, rows } = bench.stream.outbox.pending(500);
  assert.deepEqual([stream, table, operation], ["events", "zoe_events", "insert"]);
  assert.deepEqual(rows.map((row) => [row.mode, row.seq, row.idempotency_key]), [
    ["live", 1, "l1"],
    ["live", 2, "l2"],
  ]);
  assert.deepEqual(rows[0], {
    id: rows[0]?.id,
    ts: AT,
    seq: 1,
    source: "bot",
    type: "trade",
    subtype: "ORDER_PLACED",
    symbol: "BTC-USD",
    severity: "info",
    body: "Placed an order",
    meta: { price: 60123.45 },
    mode: "live",
    idempotency_key: "l1",
    device_id: "pc-1",
  });
});

Deno.test("The outbox lets the modes take turns", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post(
    Array.from({ length: 6 }, (_, index) => sampleEvent({ mode: index < 4 ? "live" : "paper" })),
  );
  const turns: unknown[] = [];
  for (;;) {
    const batch = outbox.pending(2);
    if (batch.rows.length === 0) break;
    turns.push(batch.rows.map(({ mode, seq }) => `${mode} ${seq}`));
    await bench.store.write(() => {
      outbox.settle(batch.rows.map(({ id }) => id), AT);
      outbox.attempted?.({ at: AT, batch, status: "ok" });
    });
  }
  assert.deepEqual(turns, [["live 1", "live 2"], ["paper 1", "paper 2"], ["live 3", "live 4"]]);
});

Deno.test("The outbox knows how much waits, and since when, over all modes", async () => {
  const clock = new FakeClock(AT);
  using bench = eventsBench({ clock });
  const { outbox } = bench.stream;
  assert.deepEqual(outbox.depth(), { rows: 0, oldest: null });
  await bench.post(sampleEvent({ mode: "paper" }));
  await clock.advance(1_000);
  await bench.post([sampleEvent(), sampleEvent()]);
  assert.deepEqual(outbox.depth(), { rows: 3, oldest: AT });
});

Deno.test("Every flush leaves an entry in the flush log, and a good one a health row", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post([sampleEvent(), sampleEvent()]);
  const batch = outbox.pending(500);
  const attempted = (status: "ok" | "partial" | "error", error?: string) =>
    bench.store.write(() =>
      outbox.attempted?.({ at: AT, batch, status, ...(error ? { error } : {}) })
    );
  const health = {
    stream: "events",
    table: "zoe_health",
    operation: "insert",
    rows: [{ id: "live", mode: "live", last_flush_ts: AT }],
  };
  assert.equal(await attempted("error", "status 503"), undefined);
  assert.deepEqual(await attempted("partial", "one is left"), health);
  assert.deepEqual(await attempted("ok"), health);
  const entry = { ts: AT, mode: "live", count: 2, last_seq: 2 };
  assert.deepEqual(flushLog(bench), [
    { ...entry, status: "error", error: "status 503" },
    { ...entry, status: "partial", error: "one is left" },
    { ...entry, status: "ok", error: null },
  ]);
});

Deno.test("A plain endpoint without an address for it gets no health row", async () => {
  using bench = eventsBench({ config: { endpoint_url: "https://cloud.example/events" } });
  const { outbox } = bench.stream;
  await bench.post(sampleEvent());
  const batch = outbox.pending(500);
  const health = await bench.store.write(() => outbox.attempted?.({ at: AT, batch, status: "ok" }));
  assert.equal(health, undefined);
  assert.equal(flushLog(bench).length, 1);
});

Deno.test("The flush log keeps its newest thousand entries", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post(sampleEvent());
  const batch = outbox.pending(1);
  await bench.store.write(() => {
    for (let n = 1; n <= 1_050; n++) {
      outbox.attempted?.({ at: AT, batch, status: "error", error: `${n}` });
    }
  });
  const entries = flushLog(bench);
  assert.equal(entries.length, 1_000);
  assert.equal(entries[0]?.error, "51");
});

Deno.test("The flush log keeps the last good flush of each mode, however many follow", async () => {
  using bench = eventsBench();
  const { outbox } = bench.stream;
  await bench.post([sampleEvent({ mode: "paper" }), sampleEvent()]);
  const live = outbox.pending(1);
  const paper = outbox.pendingAfter!(1, 1);
  await bench.store.write(() => {
    const attempt = (batch: OutboxBatch, at: string, status: "ok" | "partial" | "error") =>
      outbox.attempted?.({ at, batch, status });
    attempt(paper, "2026-03-01T00:00:00.000Z", "ok");
    attempt(paper, "2026-03-01T00:01:00.000Z", "partial");
    attempt(live, "2026-03-01T00:02:00.000Z", "ok");
    for (let n = 1; n <= 1_050; n++) attempt(live, AT, "error");
  });
  assert.equal(outbox.health("paper").last_flush_ts, "2026-03-01T00:01:00.000Z");
  assert.equal(outbox.health("live").last_flush_ts, "2026-03-01T00:02:00.000Z");
  assert.equal(flushLog(bench).length, 1_002);
});

Deno.test("GET /local/state tells how the flush stands", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  bench.remote.script.push(fail(503));
  const before = await bench.get<{ health: unknown; last_seq: number }>("/local/state?mode=live");
  assert.deepEqual(before.health, {
    snapshot_ts: null,
    last_flush_ts: null,
    unflushed: 0,
    oldest_unflushed: null,
    error: null,
  });
  await bench.post(Array.from({ length: 12 }, () => sampleEvent()));
  await bench.engine.now();
  const failed = await bench.get<typeof before>("/local/state?mode=live");
  assert.deepEqual(failed.health, {
    snapshot_ts: null,
    last_flush_ts: null,
    unflushed: 12,
    oldest_unflushed: AT,
    error: 'Cannot push to "fake cloud": status 503',
  });
  await clock.advance(2_000);
  await bench.engine.now();
  const after = await bench.get<{ health: Record<string, unknown>; last_seq: number }>(
    "/local/state?mode=live",
  );
  assert.equal(after.health.unflushed, 0);
  assert.ok(String(after.health.last_flush_ts) > AT);
  assert.equal(after.health.error, null);
  assert.equal(after.last_seq, 12);
  assert.deepEqual(bench.health.map(({ mode, last_flush_ts }) => [mode, last_flush_ts]), [
    ["live", after.health.last_flush_ts],
  ]);
});

Deno.test("A hundred waiting events and more are counted by their numbers", async () => {
  using bench = eventsBench();
  const unflushed = async () =>
    (await bench.get<{ health: { unflushed: number } }>("/local/state?mode=live")).health.unflushed;
  const { accepted } = await bench.post(Array.from({ length: 99 }, () => sampleEvent()));
  assert.equal(await unflushed(), 99);
  await bench.post(Array.from({ length: 700 }, () => sampleEvent()));
  assert.equal(await unflushed(), 799);
  await bench.store.write(() =>
    bench.stream.outbox.settle(accepted.slice(0, 50).map(({ id }) => id), AT)
  );
  assert.equal(await unflushed(), 749);
});

Deno.test("Events wait for the flush interval; a critical one is in the cloud at once, with what came before", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  await bench.engine.now();
  await bench.post([sampleEvent(), sampleEvent()]);
  await clock.advance(60_000);
  assert.equal(bench.events.rows.size, 0);
  await bench.post(sampleEvent({ subtype: "BUY_FILLED" }));
  await until(() => bench.events.rows.size === 3, "the critical event");
  assert.deepEqual([...bench.events.rows.values()].map(({ seq }) => seq), [1, 2, 3]);
});

Deno.test("A critical event waits with the others when critical_immediate is off", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({
    clock,
    config: {
      flush: {
        active_sec: 15,
        offhours_sec: 120,
        batch_size: 500,
        critical_immediate: false,
        active_hours: { days: ["mon"], from: "09:00", to: "17:00", time_zone: "UTC" },
      },
    },
  });
  await bench.engine.now();
  await bench.post(sampleEvent({ subtype: "BUY_FILLED" }));
  await clock.advance(10_000);
  assert.equal(bench.events.rows.size, 0);
  await clock.advance(10_000);
  await until(() => bench.events.rows.size === 1, "the flush");
});

Deno.test("A backlog goes in batches and in seq order", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  bench.remote.reachable = false;
  bench.remote.script.push(fail());
  await bench.post(Array.from({ length: 1_000 }, () => sampleEvent()));
  await bench.post(Array.from({ length: 700 }, () => sampleEvent()));
  await bench.engine.now();
  await bench.engine.now();
  assert.deepEqual(
    [...bench.events.rows.values()].map(({ seq }) => seq),
    Array.from({ length: 1_700 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    flushLog(bench).map(({ count, last_seq, status }) => [count, last_seq, status]),
    [[500, 500, "error"], [500, 500, "ok"], [500, 1_000, "ok"], [500, 1_500, "ok"], [
      200,
      1_700,
      "ok",
    ]],
  );
});

Deno.test("A batch whose answer was lost is sent again, and the cloud has each event once", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  bench.remote.script.push((batch) => {
    bench.events.upsert(batch.rows);
    return fail()(batch, { signal: new AbortController().signal });
  });
  await bench.post([sampleEvent(), sampleEvent(), sampleEvent()]);
  await bench.engine.now();
  assert.equal(bench.stream.outbox.depth().rows, 3);
  await bench.engine.now();
  assert.equal(bench.events.sent, 6);
  assert.equal(bench.events.rows.size, 3);
  assert.equal(bench.stream.outbox.depth().rows, 0);
});

Deno.test("Events that were not flushed before the end are flushed after the start, once", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  {
    const store = new Store(path, { migrations });
    using bench = eventsBench({ store });
    await bench.post([sampleEvent(), sampleEvent({ mode: "paper" })]);
    store.close();
  }
  const clock = new FakeClock();
  const store = new Store(path, { migrations, clock });
  {
    await using bench = synced({ store, clock });
    await bench.engine.now();
    assert.deepEqual(
      [...bench.events.rows.values()].map(({ mode, seq }) => `${mode} ${seq}`).sort(),
      ["live 1", "paper 1"],
    );
    await bench.engine.now();
    assert.equal(bench.events.sent, 2);
    assert.ok(storedEvents(store).every(({ flushed }) => flushed === 1));
  }
  store.close();
});

Deno.test("An event the cloud refuses is kept aside with its reason, and the others pass", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  const { accepted } = await bench.post(Array.from({ length: 20 }, () => sampleEvent()));
  const bad = accepted[7]!.id;
  const { behave } = bench.remote;
  const refuse = poison([bad], fail(400, { code: "22P02", detail: "invalid input" }));
  bench.remote.behave = (batch, options) => refuse(batch, options) ?? behave(batch, options);
  await bench.engine.now();
  assert.equal(bench.events.rows.size, 19);
  assert.equal(bench.stream.outbox.depth().rows, 0);
  assert.equal(bench.store.rejected.find("events", bad)?.message, "invalid input");
  assert.equal(flushLog(bench)[0]?.status, "partial");
  bench.remote.behave = behave;
  await bench.store.write(() => bench.stream.outbox.readmit([bad]));
  await bench.engine.now();
  assert.equal(bench.events.rows.size, 20);
});

Deno.test("The order of a mode is seen from seq, in whatever order the cloud got its events", async () => {
  const clock = new FakeClock(AT);
  await using bench = synced({ clock });
  // Clocks of several programs disagree: `ts` is no order.
  const said = Array.from({ length: 200 }, (_, index) => `${index}`);
  for (const body of said) {
    await bench.post(sampleEvent({
      body,
      ts: new Date(clock.now() - (Number(body) * 7_919) % 100_000).toISOString(),
    }));
  }
  const rows = bench.stream.outbox.pending(500).rows;
  const shuffled = rows.map((row, index) => ({ row, at: (index * 7_919) % rows.length }))
    .sort((a, b) => a.at - b.at).map(({ row }) => row);
  bench.events.upsert(shuffled);
  const ordered = [...bench.events.rows.values()].sort((a, b) => Number(a.seq) - Number(b.seq));
  assert.deepEqual(ordered.map(({ body }) => body), said);
});
