import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_CLIENTS } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/streams/events/mod.ts";
import { type SseEvent, sseEvents } from "../../support/fakes/events/event_source.ts";
import { type EventsBench, eventsBench, sampleEvent } from "../../support/events.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

/** A connected client: what it has received, and how to leave. */
class Client implements AsyncDisposable {
  readonly events: SseEvent[] = [];
  #reading: Promise<void> = Promise.resolve();
  #left = new AbortController();

  static async connect(
    bench: EventsBench,
    { mode = "live", lastId, since }: { mode?: string; lastId?: string; since?: number } = {},
  ): Promise<Client> {
    const query = since === undefined ? "" : `&since_seq=${since}`;
    const response = await bench.ask(`/local/stream?mode=${mode}${query}`, {
      headers: lastId === undefined ? {} : { "last-event-id": lastId },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const client = new Client();
    client.#start(response.body!);
    return client;
  }

  get seqs(): number[] {
    return this.events.map(({ id }) => Number(id));
  }

  get lastId(): string | undefined {
    return this.events.at(-1)?.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#left.abort();
    await this.#reading;
  }

  #start(body: ReadableStream<Uint8Array>): void {
    const through = new TransformStream<Uint8Array, Uint8Array>();
    const piped = body.pipeTo(through.writable, { signal: this.#left.signal }).catch(() => {});
    this.#reading = (async () => {
      try {
        for await (const event of sseEvents(through.readable)) this.events.push(event);
      } catch {
        // It left.
      }
      await piped;
    })();
  }
}

/** What a stream says before anything happens. */
async function firstWords(bench: EventsBench, query: string): Promise<string> {
  const response = await bench.ask(`/local/stream${query}`);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

const batch = (count: number, changes = {}) =>
  Array.from({ length: count }, () => sampleEvent(changes));

Deno.test("GET /local/stream tells what comes from now on, with seq as id", async () => {
  using bench = eventsBench();
  await bench.post(sampleEvent({ body: "before" }));
  await using client = await Client.connect(bench);
  await bench.post([sampleEvent({ body: "after" }), sampleEvent({ mode: "paper" })]);
  await until(() => client.events.length > 0);
  assert.equal(client.events.length, 1);
  assert.equal(client.lastId, "2");
  const [item] = await bench.get<unknown[]>("/local/events?mode=live&since_seq=1");
  assert.deepEqual(JSON.parse(client.events[0]!.data), item);
});

Deno.test("GET /local/stream begins after since_seq, and Last-Event-ID goes before it", async () => {
  using bench = eventsBench();
  await bench.post(batch(10));
  await using all = await Client.connect(bench, { since: 0 });
  await using some = await Client.connect(bench, { since: 7 });
  await using resumed = await Client.connect(bench, { since: 0, lastId: "9" });
  await until(() => all.events.length === 10 && some.events.length === 3);
  await until(() => resumed.events.length === 1);
  assert.deepEqual(all.seqs, numbers(1, 10));
  assert.deepEqual(some.seqs, [8, 9, 10]);
  assert.deepEqual(resumed.seqs, [10]);
});

Deno.test("A client that is cut before its first event has the seq to resume from", async () => {
  using bench = eventsBench();
  await bench.post(batch(3));
  assert.match(await firstWords(bench, "?mode=live"), /^retry: \d+\n\nid: 3\n\n$/);
  assert.match(await firstWords(bench, "?mode=paper"), /^retry: \d+\n\nid: 0\n\n$/);
  // Who says where it is knows it.
  assert.match(await firstWords(bench, "?mode=live&since_seq=3"), /^retry: \d+\n\n$/);
});

Deno.test("GET /local/stream goes on with what comes, for a client of a longer log", async () => {
  using bench = eventsBench();
  await bench.post(batch(3));
  await using client = await Client.connect(bench, { lastId: "900" });
  await bench.post(batch(2));
  await until(() => client.events.length === 2);
  assert.deepEqual(client.seqs, [4, 5]);
});

Deno.test("GET /local/stream leaves nothing out for a slow client of a longer log", async () => {
  using bench = eventsBench();
  await bench.post(batch(3));
  const response = await bench.ask("/local/stream?mode=live", {
    headers: { "last-event-id": "900" },
  });
  await using other = await Client.connect(bench);
  // More than may wait for a client that has taken nothing yet: it reads it from the log.
  await bench.post(batch(15, { body: "x".repeat(60_000) }));
  await until(() => other.events.length === 15, "the burst");
  await bench.post(batch(1));
  await until(() => other.events.length === 16, "the event after it");
  const seqs: number[] = [];
  for await (const { id } of sseEvents(response.body!)) {
    seqs.push(Number(id));
    if (seqs.length === 16 || seqs.at(-1) === 19) break;
  }
  assert.deepEqual(seqs, numbers(4, 19));
});

Deno.test("A client that fell behind gets nothing out of turn while it reads what it missed", async () => {
  using bench = eventsBench();
  const response = await bench.ask("/local/stream?mode=live");
  await using other = await Client.connect(bench);
  await bench.post(batch(15, { body: "x".repeat(60_000) }));
  await until(() => other.events.length === 15, "the burst");
  // It goes to those that follow while the first one has yet to take its first page.
  await bench.post(batch(1));
  await until(() => other.events.length === 16, "the event after it");
  const seqs: number[] = [];
  for await (const { id } of sseEvents(response.body!)) {
    seqs.push(Number(id));
    if (seqs.length === 16) break;
  }
  assert.deepEqual(seqs, numbers(1, 16));
});

Deno.test("GET /local/stream takes a thousand clients and no more, and another when one has left", async () => {
  using bench = eventsBench();
  const ask = () => bench.ask("/local/stream?mode=live");
  const open = await Promise.all(Array.from({ length: MAX_CLIENTS }, ask));
  assert.deepEqual([...new Set(open.map(({ status }) => status))], [200]);
  const refused = await ask();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "10");
  await refused.body?.cancel();
  await open.pop()?.body?.cancel();
  open.push(await ask());
  assert.equal(open.at(-1)?.status, 200);
  for (const { body } of open) await body?.cancel();
});

Deno.test.each(
  [
    ["no mode", ""],
    ["an unknown mode", "?mode=demo"],
    ["a since_seq that is none", "?mode=live&since_seq=-1"],
    ["an unknown parameter", "?mode=live&since=4"],
  ] as const,
)("GET /local/stream refuses %s", async (_, query) => {
  using bench = eventsBench();
  const response = await bench.ask(`/local/stream${query}`);
  assert.equal(response.status, 400);
  await response.body?.cancel();
});

Deno.test("A client that resumes far behind reads pages and then follows, while events come in", async () => {
  using bench = eventsBench();
  for (let n = 0; n < 5; n++) await bench.post(batch(1_000));
  await using client = await Client.connect(bench, { since: 0 });
  for (let n = 0; n < 50; n++) {
    await bench.post(batch(7));
    await settled();
  }
  await until(() => client.events.length >= 5_350, "all events");
  assert.deepEqual(client.seqs, numbers(1, 5_350));
});

Deno.test("A client that follows gets a burst larger than its buffer, whole", async () => {
  using bench = eventsBench();
  await using client = await Client.connect(bench);
  const large = batch(15, { body: "x".repeat(60_000) });
  await Promise.all(Array.from({ length: 8 }, () => bench.post(large)));
  await until(() => client.events.length >= 120, "the burst");
  assert.deepEqual(client.seqs, numbers(1, 120));
});

Deno.test("A client that stops reading is cut at the second ping, and resumes", async () => {
  const clock = new FakeClock();
  using bench = eventsBench({ clock });
  const response = await bench.ask("/local/stream?mode=live&since_seq=0");
  const reader = response.body!.getReader();
  await reader.read();
  await bench.post(batch(1_000));
  await bench.post(batch(1_000));
  await settled();
  await clock.advance(15_000);
  assert.equal(bench.stream.status().events.clients, 1);
  await clock.advance(15_000);
  assert.equal(bench.stream.status().events.clients, 0);
  let last = 0;
  const decoder = new TextDecoder();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    for (const [, id] of decoder.decode(next.value).matchAll(/^id: (\d+)$/gm)) {
      assert.equal(Number(id), ++last);
    }
  }
  await using resumed = await Client.connect(bench, { lastId: `${last}` });
  await until(() => resumed.events.length >= 2_000 - last, "the rest");
  assert.deepEqual(resumed.seqs, numbers(last + 1, 2_000));
});

Deno.test("Clients are pinged every 15 seconds", async () => {
  const clock = new FakeClock();
  using bench = eventsBench({ clock });
  const response = await bench.ask("/local/stream?mode=live");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const ping = reader.read();
  await clock.advance(15_000);
  assert.equal((await ping).value, ": ping\n\n");
  await reader.cancel();
});

Deno.test("Every client gets every event: 200 of them, some coming late", async () => {
  using bench = eventsBench();
  await using clients = new AsyncDisposableStack();
  const connected: Client[] = [];
  for (let n = 0; n < 200; n++) {
    connected.push(clients.use(await Client.connect(bench, { since: 0 })));
    if (n % 10 === 0) await bench.post(batch(3));
  }
  await until(() => connected.every(({ events }) => events.length >= 60), "all events");
  for (const { seqs } of connected) assert.deepEqual(seqs, numbers(1, 60));
});

Deno.test("No gap and no repeat, wherever a client breaks off and the agent restarts", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("post" as const), count: fc.integer({ min: 1, max: 450 }) }),
    fc.record({ do: fc.constant("turn" as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant("reconnect" as const), count: fc.constant(0) }),
    fc.record({ do: fc.constant("restart" as const), count: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      using dir = tempDir();
      const path = `${dir.path}/clockblock.db`;
      let store = new Store(path, { migrations });
      let bench = eventsBench({ store });
      let client = await Client.connect(bench, { since: 0 });
      const received: number[] = [];
      const leave = async () => {
        await client[Symbol.asyncDispose]();
        received.push(...client.seqs);
      };
      const posts: Promise<unknown>[] = [];
      let posted = 0;
      for (const { do: what, count } of steps) {
        if (what === "post") {
          posted += count;
          // Not awaited: what follows happens while it is on its way.
          posts.push(bench.post(batch(count)));
        } else if (what === "turn") {
          for (let n = 0; n < count; n++) await new Promise((resolve) => setTimeout(resolve, 0));
        } else {
          if (what === "restart") {
            await Promise.all(posts);
            bench[Symbol.dispose]();
            store.close();
            store = new Store(path, { migrations });
            bench = eventsBench({ store });
          }
          await leave();
          client = await Client.connect(
            bench,
            received.length > 0 ? { lastId: `${received.at(-1)}` } : { since: 0 },
          );
        }
      }
      await Promise.all(posts);
      await until(() => (client.seqs.at(-1) ?? received.at(-1) ?? 0) === posted, "the last event");
      await leave();
      bench[Symbol.dispose]();
      store.close();
      assert.deepEqual(received, numbers(1, posted));
    }),
    { numRuns: 30 },
  );
});
