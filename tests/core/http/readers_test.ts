import assert from "node:assert/strict";
import { MAX_ANSWER_MS, type Reader, Readers, sseFrame, SseStream } from "../../../src/core/mod.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

const KIB = 1024;

function answer(readers: Readers, bytes: number) {
  const response = readers.text("x".repeat(bytes), { headers: {} });
  return { reader: readers.of(response)!, body: response.body!.getReader() };
}

Deno.test("Readers cut the one that has taken nothing for longest when too much waits for all", async () => {
  const readers = new Readers({ maxBytes: 250 * KIB, clock: new FakeClock() });
  const one = answer(readers, 100 * KIB);
  await one.body.read();
  const two = answer(readers, 90 * KIB);
  await two.body.read();
  await one.body.read();
  const three = answer(readers, 90 * KIB);
  await three.body.read();
  assert.deepEqual([one, two, three].map(({ reader }) => reader.cut.aborted), [false, true, false]);
  await assert.rejects(two.body.read(), { message: "Answer cut" });
  assert.ok(readers.bytes <= 250 * KIB);
  for (const { body } of [one, three]) await body.cancel();
  assert.equal(readers.bytes, 0);
});

Deno.test("Readers count what was sent until the server has delivered it", async () => {
  const readers = new Readers({ clock: new FakeClock() });
  const { reader, body } = answer(readers, 40 * KIB);
  const delivered = Promise.withResolvers<void>();
  reader.deliveredBy(delivered.promise);
  while (!(await body.read()).done);
  assert.equal(readers.bytes, 40 * KIB);
  delivered.resolve();
  await delivered.promise;
  assert.equal(readers.bytes, 0);
});

Deno.test("Readers have 10 minutes for an answer, however slowly they take it", async () => {
  const clock = new FakeClock();
  const readers = new Readers({ clock });
  const { reader, body } = answer(readers, 1_000 * KIB);
  for (let minute = 1; minute < 10; minute++) {
    await body.read();
    await clock.advance(MAX_ANSWER_MS / 10);
  }
  assert.equal(reader.cut.aborted, false);
  await clock.advance(MAX_ANSWER_MS / 10);
  assert.equal(reader.cut.aborted, true);
  assert.equal(readers.bytes, 0);
});

Deno.test("An answer that is cut ends with a broken connection, never as if it were complete", async () => {
  const readers = new Readers({ clock: new FakeClock() });
  const cut = Promise.withResolvers<Reader>();
  const errors: string[] = [];
  async function* pieces() {
    yield `["${"x".repeat(100 * KIB)}"`;
    await new Promise(() => {});
  }
  await using server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: (error) => {
      errors.push(String(error));
      return new Response(null, { status: 500 });
    },
  }, () => {
    const response = readers.pieces(pieces(), { headers: {} });
    cut.resolve(readers.of(response)!);
    return response;
  });
  const { body, status } = await fetch(`http://127.0.0.1:${server.addr.port}/`);
  assert.equal(status, 200);
  const reader = body!.getReader();
  await reader.read();
  (await cut.promise).drop();
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
  assert.deepEqual(errors, ["Problem: Answer cut"]);
});

Deno.test("A frame that waits for a thousand listeners is counted once, and given up when they are cut", () => {
  const readers = new Readers({ maxBytes: 300 * KIB });
  const { signal } = new AbortController();
  const streams = Array.from({ length: 1_000 }, () => new SseStream({ signal, readers }));
  const frame = sseFrame({ data: "x".repeat(100 * KIB) });
  for (const stream of streams) stream.send(frame);
  assert.ok(streams.every(({ open }) => open));
  assert.ok(readers.bytes < 200 * KIB, `${readers.bytes} bytes`);
  for (let more = 0; more < 3; more++) {
    const another = sseFrame({ data: "y".repeat(100 * KIB) });
    for (const stream of streams) stream.send(another);
  }
  assert.ok(readers.bytes <= 300 * KIB, `${readers.bytes} bytes`);
  for (const stream of streams) stream.close();
  assert.equal(readers.bytes, 0);
});

Deno.test("Listeners are sent a batch in several turns, each whole and in order", async () => {
  const readers = new Readers();
  const closing = new AbortController();
  const streams = Array.from(
    { length: 300 },
    () => new SseStream({ signal: closing.signal, readers }),
  );
  const read = streams.map(({ response }) => response.text());
  await new Promise((resolve) => setTimeout(resolve, 0));
  const frames = ["a", "b", "c"].map((letter) => sseFrame({ data: letter.repeat(20 * KIB) }));
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  for (const frame of frames) for (const stream of streams) stream.send(frame);
  await Promise.all(streams.map((stream) => stream.drained()));
  clearInterval(counting);
  closing.abort();
  const expected = frames.map((frame) => new TextDecoder().decode(frame)).join("");
  for (const text of await Promise.all(read)) assert.ok(text.endsWith(expected));
  // 18 MB at 1 MiB a turn.
  assert.ok(turns >= 10, `${turns} turns`);
});

Deno.test("A text is counted as a whole from the start until its last piece has gone", async () => {
  const readers = new Readers({ clock: new FakeClock() });
  const { body } = answer(readers, 40 * KIB);
  assert.equal(readers.bytes, 40 * KIB);
  await body.read();
  // A part of a text keeps all of it in memory.
  assert.equal(readers.bytes, (40 + 16) * KIB);
  while (!(await body.read()).done);
  assert.equal(readers.bytes, 0);
});

Deno.test("A reader may be cut after its answer has left the agent and before it has arrived", async () => {
  const readers = new Readers({ clock: new FakeClock() });
  const { reader, body } = answer(readers, 40 * KIB);
  reader.deliveredBy(new Promise(() => {}));
  while (!(await body.read()).done);
  reader.drop();
  assert.equal(reader.cut.aborted, true);
});

Deno.test("Readers have work that takes much memory done one after the other, also after a failure", async () => {
  const readers = new Readers({ clock: new FakeClock() });
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = readers.doAlone(async () => {
    await gate.promise;
    done.push("first");
    throw new Error("no");
  });
  const second = readers.doAlone(() => Promise.resolve(done.push("second")));
  await Promise.resolve();
  assert.deepEqual(done, []);
  gate.resolve();
  await assert.rejects(first, { message: "no" });
  assert.equal(await second, 2);
  assert.deepEqual(done, ["first", "second"]);
});
