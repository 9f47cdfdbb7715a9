import assert from "node:assert/strict";
import type { Budget } from "../../../src/core/mod.ts";
import { Store, storeErrorKind } from "../../../src/store/mod.ts";
import { type EventsStream, migrations } from "../../../src/streams/events/mod.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { eventsBench, sampleEvent, storedEvents } from "../../support/events.ts";
import { tempDir, tempStore } from "../../support/temp.ts";

const DAY = 86_400_000;
const ALWAYS: Budget = { left: () => true };

async function prune(store: Store, { prune }: EventsStream, now: number): Promise<number> {
  let deleted = 0;
  for (let more = true; more;) {
    const result = await store.write(() => prune(new Date(now).toISOString(), ALWAYS));
    deleted += result.deleted;
    more = result.more;
  }
  return deleted;
}

Deno.test("seq goes on after a restart, also of a mode whose events are all flushed", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  for (const expected of [[1, 2, 1], [3, 4, 2], [5, 6, 3]]) {
    const store = new Store(path, { migrations });
    try {
      using bench = eventsBench({ store });
      const { accepted } = await bench.post(
        ["live", "live", "paper"].map((mode) => sampleEvent({ mode })),
      );
      assert.deepEqual(accepted.map(({ seq }) => seq), expected);
      await store.write(() =>
        bench.stream.outbox.settle(accepted.map(({ id }) => id), "2026-03-02T12:00:00.000Z")
      );
    } finally {
      store.close();
    }
  }
});

Deno.test("seq goes on after retention has taken all it may", async () => {
  using dir = tempDir();
  const path = `${dir.path}/clockblock.db`;
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  {
    using temp = open(path, clock);
    using bench = eventsBench({ store: temp.store, clock });
    await bench.post(Array.from({ length: 450 }, () => sampleEvent()));
    await bench.post(sampleEvent({ mode: "paper" }));
    await clock.advance(366 * DAY);
    // The clock has not leapt, time has passed.
    assert.equal(await prune(temp.store, bench.stream, clock.now()), 449);
    assert.deepEqual(storedEvents(temp.store).map(({ mode, seq }) => [mode, seq]), [
      ["live", 450],
      ["paper", 1],
    ]);
    assert.equal(bench.stream.outbox.depth().rows, 2);
  }
  using temp = open(path, clock);
  using bench = eventsBench({ store: temp.store, clock });
  const { accepted } = await bench.post([sampleEvent(), sampleEvent({ mode: "paper" })]);
  assert.deepEqual(accepted.map(({ seq }) => seq), [451, 2]);
});

function open(path: string, clock: FakeClock): { store: Store } & Disposable {
  const store = new Store(path, { migrations, clock });
  return { store, [Symbol.dispose]: () => store.close() };
}

Deno.test("seq has no gap where a commit failed", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  using bench = eventsBench({ store });
  await bench.post([sampleEvent(), sampleEvent()]);
  store.db.exec(
    `CREATE TEMP TRIGGER refuse BEFORE INSERT ON local_events WHEN new.body = 'refuse'
     BEGIN SELECT RAISE(ABORT, 'refused'); END`,
  );
  const [bad, good] = await Promise.allSettled([
    bench.post([sampleEvent(), sampleEvent({ body: "refuse" })]),
    bench.post([sampleEvent(), sampleEvent()]),
  ]);
  assert.equal(bad.status, "rejected");
  assert.equal(good.status, "fulfilled");
  assert.deepEqual(
    good.status === "fulfilled" && good.value.accepted.map(({ seq }) => seq),
    [3, 4],
  );
  assert.deepEqual(storedEvents(store).map(({ seq }) => seq), [1, 2, 3, 4]);
  assert.equal(bench.stream.outbox.depth().rows, 4);
});

Deno.test("seq has no gap where the commit itself failed, after every event was appended", async () => {
  using bench = eventsBench();
  const { store } = bench;
  await bench.post([sampleEvent(), sampleEvent()]);
  // A reference to nothing is found only at the commit.
  store.db.exec(`
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER refuse AFTER INSERT ON local_events WHEN new.body = 'refuse'
    BEGIN INSERT INTO children VALUES (1); END`);
  await assert.rejects(bench.post([sampleEvent(), sampleEvent({ body: "refuse" })]));
  const { accepted } = await bench.post([sampleEvent(), sampleEvent()]);
  assert.deepEqual(accepted.map(({ seq }) => seq), [3, 4]);
  assert.equal(bench.stream.outbox.depth().rows, 4);
});

Deno.test("A full disk is told as 507, stores nothing of the request, and ends by itself", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  using bench = eventsBench({ store });
  await bench.post(sampleEvent());
  const pages = Number(Object.values(store.db.prepare("PRAGMA page_count").get() ?? {})[0]);
  store.db.exec(`PRAGMA max_page_count=${pages + 2}`);
  const body = "x".repeat(10_000);
  const response = await bench.ask("/local/events", {
    method: "POST",
    json: Array.from({ length: 50 }, () => sampleEvent({ body })),
  });
  assert.equal(response.status, 507, await response.text());
  assert.equal((await bench.ask("/local/state?mode=live")).status, 200);
  assert.equal(storedEvents(store).length, 1);
  store.db.exec("PRAGMA max_page_count=1073741823");
  const { accepted } = await bench.post([sampleEvent({ body }), sampleEvent()]);
  assert.deepEqual(accepted.map(({ seq }) => seq), [2, 3]);
});

Deno.test("A locked database fails the requests that wait, and no later one", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  using bench = eventsBench({ store });
  const failing = store.write;
  const busy = Object.assign(new Error("database is locked"), { errcode: 5 });
  store.write = () => Promise.reject(busy);
  assert.equal(storeErrorKind(busy), "busy");
  const responses = await Promise.all(
    [1, 2, 3].map(() => bench.ask("/local/events", { method: "POST", json: sampleEvent() })),
  );
  assert.deepEqual(responses.map(({ status }) => status), [503, 503, 503]);
  store.write = failing;
  assert.equal((await bench.post(sampleEvent())).accepted[0]?.seq, 1);
});

Deno.test("Retention deletes what is flushed and old; what waits, cloud or not, is refused or is young stays", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  const { store, stream } = bench;
  const ids = async (subtype: string) =>
    (await bench.post(Array.from({ length: 300 }, () => sampleEvent({ subtype })))).accepted
      .map(({ id }) => id);
  const flushed = await ids("FLUSHED");
  const refused = await ids("REFUSED");
  await ids("WAITS");
  await store.write(() => {
    stream.outbox.settle(flushed, "2026-03-02T12:00:00.000Z");
    stream.outbox.reject(refused.map((id) => ({ id, message: "no" })), "2026-03-02T12:00:00.000Z");
  });
  await clock.advance(31 * DAY);
  await ids("YOUNG");
  assert.equal(await prune(store, stream, clock.now()), 300);
  const kinds = new Set(storedEvents(store).map(({ subtype }) => subtype));
  assert.deepEqual([...kinds], ["REFUSED", "WAITS", "YOUNG"]);
  assert.equal(stream.outbox.depth().rows, 600);

  await clock.advance(335 * DAY);
  assert.equal(await prune(store, stream, clock.now()), 600);
  assert.equal(stream.outbox.depth().rows, 300);
});

Deno.test("Retention stops when its budget is spent and goes on from there", async () => {
  const clock = new FakeClock("2026-03-02T12:00:00.000Z");
  using bench = eventsBench({ clock });
  await bench.post(Array.from({ length: 1_000 }, () => sampleEvent()));
  await clock.advance(366 * DAY);
  const now = new Date(clock.now()).toISOString();
  const step = () => bench.store.write(() => bench.stream.prune(now, { left: () => false }));
  assert.deepEqual(await step(), { deleted: 25, more: true });
  assert.deepEqual(await step(), { deleted: 25, more: true });
  assert.equal(await prune(bench.store, bench.stream, clock.now()), 949);
});
