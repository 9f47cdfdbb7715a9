import assert from "node:assert/strict";
import { type SseEnd, sseFrame, type SseOptions, SseStream } from "../../../src/core/mod.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

function open(options: Partial<SseOptions> = {}) {
  const closing = new AbortController();
  const ends: SseEnd[] = [];
  const clock = new FakeClock();
  const stream = new SseStream({
    signal: closing.signal,
    clock,
    onEnd: (end) => ends.push(end),
    ...options,
  });
  const reader = stream.response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const read = async () => (await reader.read()).value;
  return { stream, reader, read, ends, clock, closing };
}

/** A stream nobody reads from, as a client that has stopped. */
function openUnread(options: Partial<SseOptions> = {}) {
  const ends: SseEnd[] = [];
  const clock = new FakeClock();
  const stream = new SseStream({
    signal: new AbortController().signal,
    clock,
    onEnd: (end) => ends.push(end),
    ...options,
  });
  return { stream, ends, clock };
}

Deno.test("sseFrame writes id, event and one line of JSON", () => {
  const text = new TextDecoder().decode(
    sseFrame({ id: 7, event: "events", data: { body: "two\nlines\r\nand \u2028 more" } }),
  );
  assert.equal(
    text,
    'id: 7\nevent: events\ndata: {"body":"two\\nlines\\r\\nand \u2028 more"}\n\n',
  );
});

Deno.test("sseFrame refuses an event name that would begin another field", () => {
  assert.throws(() => sseFrame({ event: "a\ndata: b", data: 1 }), TypeError);
});

Deno.test("SseStream begins at once and sends frames in order", async () => {
  const { stream, read, closing } = open();
  assert.equal(stream.response.headers.get("content-type"), "text/event-stream");
  assert.equal(await read(), "retry: 1000\n\n");
  stream.send(sseFrame({ id: 1, data: "a" }));
  assert.equal(await read(), 'id: 1\ndata: "a"\n\n');
  closing.abort();
  assert.equal(await read(), undefined);
});

Deno.test("SseStream joins what came while the client was busy", async () => {
  const { stream, reader } = open();
  for (let id = 1; id <= 50; id++) stream.send(sseFrame({ id, data: id }));
  stream.close();
  let text = "";
  let chunks = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += next.value;
    chunks++;
  }
  assert.deepEqual(
    [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1])),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
  assert.ok(chunks < 10, `${chunks} chunks`);
});

Deno.test("SseStream cuts a client that takes too little", () => {
  const { stream, ends } = openUnread({ bufferBytes: 1_000 });
  const frame = sseFrame({ data: "x".repeat(200) });
  let sent = 0;
  while (stream.send(frame)) sent++;
  assert.ok(sent >= 3 && sent <= 5, `${sent} frames`);
  assert.deepEqual(ends, ["slow"]);
  assert.equal(stream.open, false);
  assert.equal(stream.send(frame), false);
});

Deno.test("SseStream says once that its client has gone", async () => {
  const { stream, ends, clock } = openUnread();
  await stream.response.body!.cancel();
  stream.close();
  await clock.advance(0);
  assert.deepEqual(ends, ["gone"]);
  assert.equal(clock.sleepers, 0);
});

Deno.test("SseStream sends a comment every 15 seconds", async () => {
  const { stream, read, clock } = open();
  await read();
  await clock.advance(15_000);
  assert.equal(await read(), ": ping\n\n");
  await clock.advance(15_000);
  assert.equal(await read(), ": ping\n\n");
  stream.close();
  await clock.advance(0);
  assert.equal(clock.sleepers, 0);
});

Deno.test("SseStream.drained waits until the client has taken all", async () => {
  const { stream, ends } = openUnread();
  stream.send(sseFrame({ data: 1 }));
  let drained = false;
  const waiting = stream.drained().then(() => drained = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(drained, false);
  const reader = stream.response.body!.getReader();
  await reader.read();
  await waiting;
  await stream.drained();
  stream.close();
  assert.deepEqual(ends, ["closed"]);
});

Deno.test("SseStream.drained resolves when the client goes instead", async () => {
  const { stream } = openUnread();
  const waiting = stream.drained();
  await stream.response.body!.cancel();
  await waiting;
  assert.equal(stream.open, false);
});

Deno.test("SseStream opened while the server closes ends at once", async () => {
  const { reader } = open({ signal: AbortSignal.abort() });
  assert.equal((await reader.read()).value, "retry: 1000\n\n");
  assert.equal((await reader.read()).done, true);
});
