import assert from "node:assert/strict";
import type { Heartbeat } from "../../../../src/contract/playtime.ts";
import { instantOf, msOf } from "../../../../src/core/mod.ts";
import { creditMs, Heartbeats } from "../../../../src/streams/playtime/heartbeats/heartbeats.ts";
import { migrations } from "../../../../src/streams/playtime/mod.ts";
import { tempStore } from "../../../support/temp.ts";

const START = msOf("2026-03-02T12:00:00.000Z");

function beat(n: number, is_playing = true): Heartbeat {
  return {
    id: `h${n}`,
    device_id: "pc-1",
    timestamp_utc: timeOf(n),
    is_playing,
    poll_interval_sec: 5,
    process_name: null,
  };
}

/** When the heartbeat with this `seq` was. */
function timeOf(seq: number): string {
  return instantOf(START + seq * 5_000);
}

Deno.test("seqAt finds a time whatever gaps there are before and behind it", async () => {
  using temp = tempStore(migrations);
  const { store } = temp;
  const heartbeats = new Heartbeats(store);
  await store.write(() => {
    for (let n = 1; n <= 100; n++) heartbeats.insert(beat(n));
    store.db.exec("DELETE FROM heartbeats WHERE seq BETWEEN 20 AND 80 OR seq % 7 = 3");
  });
  const left = store.db.prepare("SELECT seq FROM heartbeats ORDER BY seq").all()
    .map(({ seq }) => Number(seq));
  for (let n = 1; n <= 101; n++) {
    const seq = heartbeats.seqAt(timeOf(n));
    // What came before that place is older, what comes from there on is not.
    assert.deepEqual(
      heartbeats.before(seq, 100).map((placed) => placed.seq).reverse(),
      left.filter((each) => each < n),
      `seqAt(${n}) is ${seq}`,
    );
  }
});

Deno.test("creditMs credits the time of a look that found the game, and no other", () => {
  assert.equal(creditMs(beat(1)), 5_000);
  assert.equal(creditMs(beat(1, false)), 0);
  assert.equal(creditMs({ ...beat(1), poll_interval_sec: 0.0015 }), 2);
});

Deno.test("Heartbeats.texts are what JSON.stringify makes of what was inserted, of any limit, newest first", async () => {
  using temp = tempStore(migrations);
  const heartbeats = new Heartbeats(temp.store);
  const names = [null, 'a "quoted\\" name', "Spiel\u0000\u2028ü😀", "plain.exe"];
  const inserted = Array.from({ length: 450 }, (_, n) => ({
    id: `h${n}`,
    device_id: n % 2 ? "pc-1" : 'pc "2"',
    timestamp_utc: instantOf(n * 5_000),
    is_playing: n % 3 === 0,
    poll_interval_sec: n % 5 ? 5 : 0.5,
    process_name: names[n % names.length]!,
  }));
  await temp.store.write(() => {
    for (const heartbeat of inserted) heartbeats.insert(heartbeat);
    temp.store.db.exec(`UPDATE heartbeats SET synced_at = '${instantOf(0)}' WHERE seq < 100`);
  });
  const expected = inserted.map((heartbeat, n) =>
    JSON.stringify({ ...heartbeat, synced_at: n + 1 < 100 ? instantOf(0) : null })
  ).reverse();
  for (const limit of [1, 199, 200, 5_000]) {
    const texts = heartbeats.texts({ before: Number.MAX_SAFE_INTEGER, from: 1, limit });
    assert.deepEqual([...texts].map(({ json }) => json), expected, `limit ${limit}`);
  }
});
