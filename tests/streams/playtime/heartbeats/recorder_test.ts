import assert from "node:assert/strict";
import type { Heartbeat } from "../../../../src/contract/playtime.ts";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { instantOf, msOf, Warnings } from "../../../../src/core/mod.ts";
import { tableOutbox } from "../../../../src/store/mod.ts";
import { migrations } from "../../../../src/streams/playtime/mod.ts";
import { Recorder } from "../../../../src/streams/playtime/heartbeats/recorder.ts";
import { openTables } from "../../../../src/streams/playtime/tables.ts";
import { FakeClock } from "../../../support/fakes/fake_clock.ts";
import { NO_LIMIT } from "../playtime_fixture.ts";
import { tempStore } from "../../../support/temp.ts";

/** As many as are kept in memory. */
const ROOM = 720;

function beat(n: number): Heartbeat {
  return {
    id: `h${n}`,
    device_id: "pc-1",
    timestamp_utc: instantOf(msOf("2026-03-02T12:00:00.000Z") + n * 5_000),
    is_playing: true,
    poll_interval_sec: 5,
    process_name: null,
  };
}

function bench() {
  const temp = tempStore(migrations);
  const { store } = temp;
  const warnings = new Warnings({ clock: new FakeClock() });
  const told: string[] = [];
  const outbox = tableOutbox(store, {
    stream: "playtime",
    table: "heartbeats",
    remoteTable: "heartbeats",
    index: "heartbeats_unsynced",
    key: "seq",
    columns: [],
    instant: "timestamp_utc",
  });
  const recorder = new Recorder(store, {
    tables: openTables(store),
    outbox,
    rules: NO_LIMIT,
    onRecorded: () => {},
    warnings,
    onStored: ({ id }) => told.push(id),
  });
  return {
    recorder,
    outbox,
    warnings,
    told,
    ids: () => store.db.prepare("SELECT id FROM heartbeats ORDER BY seq").all().map(({ id }) => id),
    breaks: () =>
      store.db.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON heartbeats BEGIN SELECT RAISE(ABORT, 'broken'); END",
      ),
    works: () => store.db.exec("DROP TRIGGER broken"),
    /** Writes wait until they are let go. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      const write = store.write;
      store.write = async (...given) => {
        await promise;
        return await write.apply(store, given) as never;
      };
      return () => {
        store.write = write;
        resolve();
      };
    },
    [Symbol.dispose]: () => temp[Symbol.dispose](),
  };
}

Deno.test("Recorder keeps what could not be written, and writes it before the next", async () => {
  using test = bench();
  test.breaks();
  await assert.rejects(test.recorder.add(beat(0)), /broken/);
  await assert.rejects(test.recorder.add(beat(1)), /broken/);
  assert.equal(test.recorder.waiting, 2);
  assert.deepEqual(test.warnings.list().map(({ code }) => code), ["heartbeats"]);
  test.works();
  await test.recorder.add(beat(2));
  assert.deepEqual(test.ids(), ["h0", "h1", "h2"]);
  assert.deepEqual(test.told, ["h0", "h1", "h2"]);
  assert.equal(test.recorder.waiting, 0);
  assert.equal(test.outbox.depth().rows, 3);
  assert.deepEqual(test.warnings.list(), []);
});

Deno.test("Recorder writes each heartbeat once, though many come while one is written", async () => {
  using test = bench();
  const letGo = test.hold();
  const added = Array.from({ length: 250 }, (_, n) => test.recorder.add(beat(n)));
  letGo();
  await Promise.all(added);
  assert.deepEqual(test.ids(), Array.from({ length: 250 }, (_, n) => `h${n}`));
  assert.equal(test.outbox.depth().rows, 250);
});

Deno.test("Recorder gives up the oldest of an hour's heartbeats, but none that is being written", async () => {
  using test = bench();
  const letGo = test.hold();
  const added = Array.from({ length: ROOM + 30 }, (_, n) => test.recorder.add(beat(n)));
  assert.equal(test.recorder.waiting, ROOM);
  letGo();
  await Promise.all(added);
  // The first one is on its way to the disk: those after it make room.
  const kept = Array.from({ length: ROOM - 1 }, (_, n) => `h${n + 31}`);
  assert.deepEqual(test.ids(), ["h0", ...kept]);
});

Deno.test("Recorder logs once why it cannot write, and once that it can again", async () => {
  using test = bench();
  const said: LogRecord[] = [];
  await configure({
    reset: true,
    sinks: { said: (record) => void said.push(record) },
    loggers: [
      { category: ["clockblock", "playtime"], sinks: ["said"] },
      { category: ["logtape", "meta"], sinks: [] },
    ],
  });
  try {
    test.breaks();
    for (let n = 0; n < 5; n++) await test.recorder.keep(beat(n));
    assert.deepEqual(said.map(({ level }) => level), ["error"]);
    test.works();
    for (let n = 5; n < 8; n++) await test.recorder.keep(beat(n));
    assert.deepEqual(said.map(({ level }) => level), ["error", "info"]);
    assert.equal(test.ids().length, 8);
  } finally {
    await reset();
  }
});
