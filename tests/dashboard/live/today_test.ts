/** The day's spans as they are loaded, on a network that answers when the test says so. @module */
import assert from "node:assert/strict";
import { loadSpans, noteHeartbeat, spans, spansSince } from "../../../src/dashboard/live/today.ts";
import type { Beat } from "../../../src/dashboard/model/spans.ts";

const NOON = Date.parse("2026-03-02T12:00:00Z");

function beat(second: number): Beat {
  const timestamp_utc = new Date(NOON + second * 1_000).toISOString();
  return { timestamp_utc, is_playing: true, poll_interval_sec: 5 };
}

/** Has the page's requests wait for an answer each; `using` gives the network back. */
function heldNetwork() {
  const { fetch } = globalThis;
  const asked: { path: string; answer(rows: Beat[], next?: string): void }[] = [];
  globalThis.fetch = (path) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    asked.push({
      path: String(path),
      answer: (rows, next) =>
        resolve(Response.json(rows, next ? { headers: { link: `<${next}>; rel="next"` } } : {})),
    });
    return promise;
  };
  spans.value = [];
  return { asked, [Symbol.dispose]: () => void (globalThis.fetch = fetch) };
}

function seen(): [from: number, to: number][] {
  return spans.value.map(({ from, to }) => [(from - NOON) / 1_000, (to - NOON) / 1_000]);
}

Deno.test("loadSpans reads page by page as far back as was asked, newest first", async () => {
  using network = heldNetwork();
  const loaded = loadSpans(NOON);
  network.asked[0]!.answer([beat(15), beat(10)], "/history?before=3");
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(network.asked[1]?.path, "/history?before=3");
  network.asked[1].answer([beat(5), beat(0), beat(-5)], "/history?before=1");
  await loaded;
  assert.deepEqual(seen(), [[0, 20]]);
  assert.equal(spansSince.value, NOON);
  assert.equal(network.asked.length, 2);
});

Deno.test("loadSpans does not overwrite what a later call has loaded", async () => {
  using network = heldNetwork();
  const older = loadSpans(NOON);
  const newer = loadSpans(NOON - 60_000);
  network.asked[1]!.answer([beat(5), beat(0), beat(-60)]);
  await newer;
  network.asked[0]!.answer([beat(0)]);
  await older;
  assert.deepEqual(seen(), [[-60, -55], [0, 10]]);
  assert.equal(spansSince.value, NOON - 60_000);
});

Deno.test("loadSpans keeps what came by the stream while it was loading", async () => {
  using network = heldNetwork();
  const loaded = loadSpans(NOON);
  noteHeartbeat(beat(60));
  network.asked[0]!.answer([beat(5), beat(0)]);
  await loaded;
  assert.deepEqual(seen(), [[0, 10], [60, 65]]);
});
