/** @module */
import assert from "node:assert/strict";
import {
  GRACE_MS,
  initialSource,
  nextSource,
  type SourceNews,
  sourceOf,
  type SourceState,
} from "../../src/client/source.ts";

const START = initialSource({ hasRemote: true, pollMs: 5_000, nowMs: 0 });

function after(news: readonly SourceNews[], state: SourceState = START): SourceState {
  return news.reduce(nextSource, state);
}

Deno.test("The agent is the source as soon as it answers, and the cloud is left alone", () => {
  const state = after([
    { kind: "local-trying" },
    { kind: "local-down", nowMs: 10, quietMs: 0 },
    { kind: "remote-polling" },
    { kind: "local-up" },
    { kind: "remote-up", nowMs: 50 },
  ]);
  assert.equal(sourceOf(state), "local");
  assert.deepEqual([state.localAtMs, state.remoteAtMs], [Infinity, Infinity]);
});

Deno.test("An agent that is gone is tried again at once, and the cloud after a restart's time", () => {
  const state = after([{ kind: "local-up" }, { kind: "local-down", nowMs: 100, quietMs: 0 }]);
  assert.equal(sourceOf(state), "offline");
  assert.equal(state.localAtMs, 350);
  assert.equal(state.remoteAtMs, 100 + GRACE_MS);
});

Deno.test("An agent that was silent before it was given up has had its time", () => {
  const state = after([{ kind: "local-up" }, { kind: "local-down", nowMs: 3_000, quietMs: 2_900 }]);
  assert.equal(state.remoteAtMs, 3_000);
});

Deno.test("Failing tries come further apart, up to two seconds, and do not hurry the cloud", () => {
  let state = after([{ kind: "local-up" }, { kind: "local-down", nowMs: 0, quietMs: 0 }]);
  state = after([{ kind: "remote-polling" }, { kind: "remote-up", nowMs: 1_000 }], state);
  const waits: number[] = [];
  for (let tries = 0; tries < 5; tries++) {
    state = nextSource(state, { kind: "local-down", nowMs: 1_000, quietMs: 9_999 });
    waits.push(state.localAtMs - 1_000);
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 2_000, 2_000]);
  assert.equal(state.remoteAtMs, 6_000);
  assert.equal(sourceOf(state), "remote");
});

Deno.test("Nobody answering is offline, and both go on being tried", () => {
  const state = after([
    { kind: "local-down", nowMs: 0, quietMs: 0 },
    { kind: "remote-polling" },
    { kind: "remote-down", nowMs: 1_000 },
  ]);
  assert.equal(sourceOf(state), "offline");
  assert.equal(state.remoteAtMs, 6_000);
  assert.equal(state.localAtMs, 250);
});

Deno.test("Without a cloud there is nothing to poll", () => {
  const alone = initialSource({ hasRemote: false, pollMs: 5_000, nowMs: 0 });
  assert.equal(after([{ kind: "local-down", nowMs: 0, quietMs: 0 }], alone).remoteAtMs, Infinity);
});

Deno.test("Without an agent the cloud is polled at once, and no agent is ever tried", () => {
  const state = initialSource({ hasLocal: false, hasRemote: true, pollMs: 5_000, nowMs: 7 });
  assert.deepEqual([state.localAtMs, state.remoteAtMs], [Infinity, 7]);
  const up = nextSource(nextSource(state, { kind: "remote-polling" }), {
    kind: "remote-up",
    nowMs: 10,
  });
  assert.equal(sourceOf(up), "remote");
  assert.deepEqual([up.localAtMs, up.remoteAtMs], [Infinity, 5_010]);
});
