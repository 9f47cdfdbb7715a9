import assert from "node:assert/strict";
import { instantOf, msOf } from "../../../src/core/mod.ts";
import { creditMs, type Heartbeat, Heartbeats } from "../../../src/streams/playtime/heartbeats.ts";
import { migrations } from "../../../src/streams/playtime/mod.ts";
import { tempStore } from "../../support/temp.ts";

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
