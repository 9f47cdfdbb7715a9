import assert from "node:assert/strict";
import { TOPICS } from "../../../src/api/routes/stream.ts";
import { SseStream } from "../../../src/core/mod.ts";
import { type TestApi, testApi } from "../../support/api.ts";

/** What a page that listens has been told, read until the stream ends. */
async function listen(test: TestApi, query = "") {
  const response = await test.ask(`/stream${query}`);
  assert.equal(response.status, 200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "retry: 1000\n\n");
  return {
    leave: () => reader.cancel(),
    async rest() {
      let text = "";
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += next.value;
      }
      return text;
    },
  };
}

Deno.test("/stream tells a page of every topic", async () => {
  using test = testApi();
  const page = await listen(test);
  for (const topic of TOPICS) test.hub.publish(topic, { of: topic });
  test.api.close();
  assert.equal(
    await page.rest(),
    TOPICS.map((topic) => `event: ${topic}\ndata: {"of":"${topic}"}\n\n`).join(""),
  );
});

Deno.test("/stream tells of the topics that were asked for", async () => {
  using test = testApi();
  const page = await listen(test, "?topics=sync,punches,sync");
  for (const topic of ["heartbeat", "punches", "sync"]) test.hub.publish(topic, 1);
  test.api.close();
  assert.equal(await page.rest(), "event: punches\ndata: 1\n\nevent: sync\ndata: 1\n\n");
});

Deno.test("/stream names the topics there are to who asks for another", async () => {
  using test = testApi();
  for (const query of ["?topics=", "?topics=sync,nonsense", "?topics=__proto__"]) {
    const response = await test.ask(`/stream${query}`);
    assert.equal(response.status, 400);
    const { detail } = await response.json();
    assert.equal(
      detail,
      'query parameter "topics": expected some of ' +
        "heartbeat,allowance,events,punches,corrections,presence,people,devices,records,sync,warnings,config",
    );
  }
});

Deno.test("/stream forgets a page that has gone", async () => {
  using test = testApi();
  const page = await listen(test);
  const clients = async () =>
    /clockblock_stream_clients (\d+)/.exec(await (await test.ask("/metrics")).text())?.[1];
  assert.equal(await clients(), "1");
  await page.leave();
  assert.equal(await clients(), "0");
  test.hub.publish("sync", 1);
});

Deno.test("/stream sends nothing to a page that has gone", async () => {
  using test = testApi();
  const stays = await listen(test);
  const page = await listen(test);
  await page.leave();
  const { send } = SseStream.prototype;
  let sent = 0;
  SseStream.prototype.send = function (frame) {
    sent++;
    return send.call(this, frame);
  };
  try {
    test.hub.publish("sync", 1);
  } finally {
    SseStream.prototype.send = send;
  }
  assert.equal(sent, 1);
  await stays.leave();
});

Deno.test("/stream turns away more pages than it can serve", async () => {
  using test = testApi();
  for (let n = 0; n < 1_000; n++) {
    const response = await test.ask("/stream");
    assert.equal(response.status, 200);
  }
  const response = await test.ask("/stream");
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "10");
  await response.body?.cancel();
});

Deno.test("/stream asked for while the server closes ends at once", async () => {
  using test = testApi();
  test.api.close();
  const page = await listen(test);
  assert.equal(await page.rest(), "");
});

Deno.test("/stream tells what stands when a warning is raised and when it is over", async () => {
  using test = testApi();
  const page = await listen(test, "?topics=warnings");
  test.warnings.raise("clock", "The clock is off.");
  test.warnings.raise("clock", "The clock is off.");
  test.warnings.clear("clock");
  test.api.close();
  const [raised, over, end] = (await page.rest()).split("\n\n");
  assert.match(raised!, /^event: warnings\ndata: \[\{"code":"clock","message":"The clock is off."/);
  assert.deepEqual([over, end], ["event: warnings\ndata: []", ""]);
});

Deno.test("API tells event streams from other answers, also to a page of another origin", async () => {
  const origin = "http://localhost:5173";
  using test = testApi({ allowedOrigins: [origin] });
  const isStream = async (
    path: string,
    init: { method?: string; headers?: { origin: string } } = {},
  ) => {
    const response = await test.ask(path, init);
    const is = test.api.readerOf(response) !== undefined;
    await response.body?.cancel();
    return is;
  };
  assert.equal(await isStream("/stream"), true);
  assert.equal(await isStream("/stream", { headers: { origin } }), true);
  assert.equal(await isStream("/stream", { method: "HEAD" }), false);
  assert.equal(await isStream("/stream?topics=nothing"), false);
  assert.equal(await isStream("/status"), false);
});
