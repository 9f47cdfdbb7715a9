/** The client between two real servers, one of which goes away. @module */
import assert from "node:assert/strict";
import { connectLocalLive, type LocalLive, type LocalLiveOptions } from "../../src/client/mod.ts";
import {
  agentLog,
  cloudCopy,
  type EventServer,
  sampleEvent,
} from "../support/fakes/events/event_sources.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { until } from "../support/until.ts";

interface Watched extends Disposable {
  live: LocalLive;
  clock: FakeClock;
  seqs: number[];
  sources: string[];
  /** Lets time pass until something is so; how long that took. */
  within(ms: number, condition: () => boolean, what: string): Promise<number>;
}

function watch(
  agent: EventServer,
  cloud?: EventServer,
  options: Partial<LocalLiveOptions> = {},
): Watched {
  const clock = new FakeClock();
  const live = connectLocalLive({
    localUrl: agent.url,
    mode: "live",
    clock,
    ...(cloud ? { supabase: { url: cloud.url, key: "anon", pollMs: 2_000 } } : {}),
    ...options,
  });
  const seqs: number[] = [];
  const sources: string[] = [];
  live.subscribe(({ events, source }) => {
    seqs.push(...events.map(({ seq }) => seq));
    if (sources.at(-1) !== source) sources.push(source);
  });
  return {
    live,
    clock,
    seqs,
    sources,
    async within(ms, condition, what) {
      const began = clock.monotonic();
      const deadline = performance.now() + 30_000;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
        // What the servers answer takes real time; the client's own time goes on beside it.
        await new Promise((resolve) => setTimeout(resolve, 4));
        if (clock.monotonic() - began < ms) await clock.advance(25);
      }
      return clock.monotonic() - began;
    },
    [Symbol.dispose]: () => live.close(),
  };
}

Deno.test("The client begins with the newest events and follows the agent", async () => {
  await using agent = await agentLog();
  agent.lastFlush = "2026-03-02T11:59:55.000Z";
  agent.add(...[1, 2, 3, 4].map((seq) => sampleEvent(seq)));
  using test = watch(agent, undefined, { recent: 2 });
  await until(() => test.seqs.length === 2);
  assert.equal(test.live.source, "local");
  assert.equal(test.live.syncedAgo, 5);
  agent.add(sampleEvent(5), sampleEvent(6));
  await until(() => test.seqs.length === 4);
  assert.deepEqual(test.seqs, [3, 4, 5, 6]);
  assert.equal(test.live.lastSeq, 6);
});

Deno.test("Listeners hear of a new flush, on a quiet stream and on a busy one, and not of what is known", async () => {
  await using agent = await agentLog();
  agent.lastFlush = "2026-03-02T11:59:50.000Z";
  using test = watch(agent);
  const told: { source: string; syncedAgo: number | null; events: number }[] = [];
  test.live.subscribe(({ source, syncedAgo, events }) => {
    told.push({ source, syncedAgo, events: events.length });
  });
  await until(() => test.live.source === "local");
  // Connected, and nothing of it while there is no source.
  assert.deepEqual(told, [{ source: "local", syncedAgo: 10, events: 0 }]);
  await test.clock.advance(4_000);
  await until(() => agent.asked.length > 3);
  assert.equal(told.length, 1);
  assert.equal(test.live.syncedAgo, 14);

  agent.lastFlush = "2026-03-02T12:00:03.000Z";
  await test.within(2_000, () => told.length === 2, "the flush");
  assert.ok(told[1]!.syncedAgo! <= 3, `${told[1]!.syncedAgo} s`);

  agent.lastFlush = "2026-03-02T12:00:05.000Z";
  let seq = 0;
  await test.within(6_000, () => {
    agent.add(sampleEvent(++seq));
    return test.live.syncedAgo! <= 5 && told.some(({ events }, index) => index > 1 && events === 0);
  }, "the flush between events");
});

Deno.test("The client reads the cloud within 5 s of the agent's end and returns to it, each event once", async () => {
  await using agent = await agentLog();
  await using cloud = await cloudCopy();
  using test = watch(agent, cloud);
  await until(() => test.live.source === "local");
  agent.add(sampleEvent(1), sampleEvent(2));
  cloud.add(sampleEvent(1));
  await until(() => test.seqs.length === 2);

  await agent.stop();
  // 3 was rejected by the cloud, or waits for another try.
  cloud.add(sampleEvent(2), sampleEvent(4));
  cloud.lastFlush = "2026-03-02T12:00:00.000Z";
  await test.within(5_000, () => test.live.source === "remote", "the cloud");
  await test.within(0, () => test.seqs.length === 3, "event 4");
  assert.notEqual(test.live.syncedAgo, null);

  cloud.add(sampleEvent(5));
  await test.within(5_000, () => test.seqs.length === 4, "event 5");
  agent.add(sampleEvent(3), sampleEvent(4), sampleEvent(5), sampleEvent(6));
  await agent.start();
  await test.within(5_000, () => test.live.source === "local", "the agent");
  await until(() => test.seqs.length === 6);
  assert.deepEqual(test.seqs, [1, 2, 4, 5, 3, 6]);
  assert.deepEqual(test.sources, ["local", "offline", "remote", "local"]);
  const polls = cloud.asked.length;
  await test.clock.advance(10_000);
  assert.equal(cloud.asked.length, polls);
});

Deno.test("An agent that falls silent without closing is given up within 5 s", async () => {
  await using agent = await agentLog();
  await using cloud = await cloudCopy();
  using test = watch(agent, cloud);
  await until(() => test.live.source === "local");
  agent.hang = true;
  await test.within(5_000, () => test.live.source === "remote", "the cloud");
  assert.match(test.live.lastError ?? "", /did not answer in time/);
});

Deno.test("A quiet stream whose agent still answers stays", async () => {
  await using agent = await agentLog();
  using test = watch(agent);
  await until(() => test.live.source === "local");
  for (let round = 0; round < 3; round++) {
    await test.clock.advance(1_000);
    const asked = agent.asked.length;
    await test.within(2_000, () => agent.asked.length > asked, "a sign of life");
  }
  assert.deepEqual(test.sources, ["local"]);
});

Deno.test("Where streams are held back the client asks the agent, and streams again when they come", async () => {
  await using agent = await agentLog();
  agent.holdsStreams = true;
  agent.add(sampleEvent(1));
  using test = watch(agent, undefined, { sinceSeq: 0 });
  await test.within(5_000, () => test.live.source === "local", "the agent");
  await test.within(0, () => test.seqs.length === 1, "event 1");
  agent.add(...Array.from({ length: 1_200 }, (_, index) => sampleEvent(index + 2)));
  await test.within(5_000, () => test.seqs.length === 1_201, "all events");
  agent.holdsStreams = false;
  const asked = (path: string) => agent.asked.filter((each) => each.startsWith(path)).length;
  await test.within(20_000, () => asked("/local/stream") === 2, "a stream");
  const polls = asked("/local/events");
  agent.add(sampleEvent(1_202));
  await until(() => test.seqs.length === 1_202);
  assert.equal(asked("/local/events"), polls);
  assert.deepEqual(test.seqs, Array.from({ length: 1_202 }, (_, index) => index + 1));
  assert.deepEqual(test.sources, ["local"]);
});

Deno.test("What the cloud lacked at first is handed on when the cloud gets it", async () => {
  await using agent = await agentLog();
  await using cloud = await cloudCopy();
  await agent.stop();
  cloud.add(...[1, 2, 4, 7].map((seq) => sampleEvent(seq)));
  using test = watch(agent, cloud, { sinceSeq: 0 });
  await test.within(5_000, () => test.seqs.length === 4, "what is there");
  // Rejected rows that were tried again.
  cloud.events.splice(2, 0, sampleEvent(3));
  cloud.add(sampleEvent(8));
  await test.within(5_000, () => test.seqs.length === 6, "what came since");
  assert.deepEqual(test.seqs, [1, 2, 4, 7, 3, 8]);
  assert.match(cloud.asked.at(-2) ?? "", /or=.*seq\.gt\.7.*seq\.gte\.3.*seq\.lte\.3/);
});

Deno.test("With neither agent nor cloud the client is offline, says why, and finds either again", async () => {
  await using agent = await agentLog();
  await using cloud = await cloudCopy();
  await agent.stop();
  await cloud.stop();
  using test = watch(agent, cloud);
  await test.within(5_000, () => test.live.lastError !== null, "an error");
  assert.equal(test.live.source, "offline");
  cloud.add(...[1, 2, 3].map((seq) => sampleEvent(seq)));
  await cloud.start();
  await test.within(20_000, () => test.live.source === "remote", "the cloud");
  assert.deepEqual(test.seqs, [1, 2, 3]);
});

Deno.test("An agent whose log was restored from an older backup is followed from there", async () => {
  await using agent = await agentLog();
  using test = watch(agent, undefined, { sinceSeq: 0 });
  agent.add(...[1, 2, 3].map((seq) => sampleEvent(seq)));
  await until(() => test.seqs.length === 3);
  await agent.stop();
  await test.within(5_000, () => test.live.source === "offline", "its end");
  agent.events.length = 1;
  await agent.start();
  await test.within(5_000, () => test.live.source === "local", "the agent");
  agent.add(sampleEvent(2, { id: "another" }));
  await until(() => test.seqs.length === 4);
  assert.deepEqual(test.seqs, [1, 2, 3, 2]);
});

Deno.test("The cloud is read page by page, and only this system's events of this mode", async () => {
  await using agent = await agentLog();
  await using cloud = await cloudCopy();
  await agent.stop();
  cloud.add(...Array.from({ length: 2_500 }, (_, index) => sampleEvent(index + 1)));
  using test = watch(agent, cloud, {
    sinceSeq: 0,
    supabase: { url: `${cloud.url}/`, key: "anon", systemId: "pc-1" },
  });
  await test.within(5_000, () => test.seqs.length === 2_500, "all events");
  assert.equal(test.seqs.at(-1), 2_500);
  const [first] = cloud.asked;
  assert.match(first ?? "", /[?&]mode=eq\.live&system_id=eq\.pc-1$/);
});

Deno.test("A closed client asks nobody any more", async () => {
  await using agent = await agentLog();
  const test = watch(agent);
  await until(() => test.live.source === "local");
  test.live.close();
  await until(() => test.clock.sleepers === 0);
  const asked = agent.asked.length;
  await test.clock.advance(60_000);
  assert.equal(agent.asked.length, asked);
});

Deno.test("A listener that throws keeps no event from the others", async () => {
  await using agent = await agentLog();
  agent.add(sampleEvent(1));
  const reported: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  addEventListener("error", onError);
  try {
    using test = watch(agent);
    test.live.subscribe(() => {
      throw new Error("a listener's defect");
    });
    const seqs: number[] = [];
    test.live.subscribe(({ events }) => void seqs.push(...events.map(({ seq }) => seq)));
    await until(() => test.seqs.length === 1);
    assert.deepEqual(seqs, [1]);
    assert.match(String(reported[0]), /a listener's defect/);
  } finally {
    removeEventListener("error", onError);
  }
});

Deno.test("Where streams are held back all that was missed is read, page by page", async () => {
  await using agent = await agentLog();
  agent.holdsStreams = true;
  agent.add(...Array.from({ length: 2_500 }, (_, index) => sampleEvent(index + 1)));
  using test = watch(agent, undefined, { sinceSeq: 0 });
  await test.within(4_000, () => test.seqs.length >= 1_000, "the first page");
  await until(() => test.seqs.length === 2_500, "the other pages, without waiting");
  assert.equal(new Set(test.seqs).size, 2_500);
});
