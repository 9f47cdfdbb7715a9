/**
 * Events as a program meets them: an agent in a process of its own, a real endpoint, real kills. What the seed
 * demands: crash before the flush, the same batch twice, order by `seq`, critical events within two seconds.
 */
import assert from "node:assert/strict";
import { type AgentProcess, startAgent } from "../support/process/agent_process.ts";
import { type SseEvent, sseEvents } from "../support/fakes/events/event_source.ts";
import { CRITICAL, sampleEvent } from "../support/events.ts";
import { FaultyServer } from "../support/servers/faulty_server.ts";
import { ownMs } from "../support/process/own_time.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

interface Accepted {
  id: string;
  seq: number;
  idempotency_key: string;
  duplicate: boolean;
}

async function post(agent: AgentProcess, events: unknown): Promise<Accepted[]> {
  const response = await fetch(`${agent.url}/local/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await agent.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(events),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer.accepted;
}

async function get<T>(agent: AgentProcess, path: string): Promise<T> {
  const response = await fetch(agent.url + path);
  assert.equal(response.status, 200, path);
  return await response.json() as T;
}

/** Flushes at the start and then hardly ever. */
const config = (server: FaultyServer) => ({
  device_token: "secret",
  events: {
    endpoint_url: `http://127.0.0.1:${server.port}/events`,
    critical_subtypes: CRITICAL,
    flush: { active_sec: 3_600, offhours_sec: 3_600 },
  },
});

interface Lanes {
  lanes: { stream: string; last_attempt_at: string | null; next_attempt_at: string | null }[];
}

/** Waits until the lane of events has done its round and rests. @returns until when */
async function rested(agent: AgentProcess): Promise<string> {
  let next: string | null | undefined;
  await until(async () => {
    const { lanes } = await get<Lanes>(agent, "/sync/status");
    next = lanes.find(({ stream }) => stream === "events")?.next_attempt_at;
    return typeof next === "string";
  }, "the lane of events to rest");
  return next!;
}

Deno.test("Events of a killed agent are flushed after its restart, each once", async () => {
  using dir = tempDir();
  await using server = await FaultyServer.start();
  server.nextFault = () => ({ kind: "hang" });
  const first = await startAgent({ dir: dir.path, config: config(server) });
  const said = Array.from({ length: 1_200 }, (_, index) => sampleEvent({ body: `${index}` }));
  const accepted = [
    ...await post(first, said.slice(0, 700)),
    ...await post(first, said.slice(700)),
  ];
  await first.kill();
  assert.equal(server.rows.size, 0);

  server.nextFault = () => undefined;
  await using second = await startAgent({ dir: dir.path });
  await until(() => server.rows.size >= 1_200, "the flush");
  await rested(second);
  assert.ok([...server.deliveries.values()].every((times) => times === 1));
  assert.deepEqual([...server.rows.keys()].sort(), accepted.map(({ id }) => id).sort());
  // Whatever order the cloud keeps them in, `seq` is the order in which they were said.
  const bySeq = [...server.rows.values()].sort((a, b) => Number(a.seq) - Number(b.seq));
  assert.deepEqual(bySeq.map(({ body }) => body), said.map(({ body }) => body));
});

Deno.test("A flush whose answer is lost is made again, and the cloud has no event twice", async () => {
  await using server = await FaultyServer.start();
  server.faults.push({ kind: "reset-after-apply" }, { kind: "half-written" });
  await using agent = await startAgent({ config: config(server) });
  await rested(agent);
  // The bell of a critical event: the others are flushed with it.
  await post(agent, [
    ...Array.from({ length: 40 }, () => sampleEvent()),
    sampleEvent({
      subtype: CRITICAL[0],
    }),
  ]);
  await until(() => server.posts.length >= 3, "the third attempt");
  await rested(agent);
  const { health } = await get<{ health: { unflushed: number; last_flush_ts: string | null } }>(
    agent,
    "/local/state?mode=live",
  );
  assert.equal(health.unflushed, 0);
  assert.notEqual(health.last_flush_ts, null);
  assert.equal(server.rows.size, 41);
  const keys = new Set([...server.rows.values()].map(({ idempotency_key }) => idempotency_key));
  assert.equal(keys.size, 41);
  assert.deepEqual(new Set(server.deliveries.values()), new Set([3]));
});

Deno.test("A plain endpoint gets the health row of a flush where it wants it, never as an event", async () => {
  await using server = await FaultyServer.start();
  await using health = await FaultyServer.start();
  const { events, ...rest } = config(server);
  await using agent = await startAgent({
    config: { ...rest, events: { ...events, health_url: health.url } },
  });
  const [accepted] = await post(agent, sampleEvent({ subtype: CRITICAL[0] }));
  await until(() => health.rows.has("live"), "the health row");
  assert.ok(Date.parse(String(health.rows.get("live")!.last_flush_ts)) <= Date.now());
  assert.deepEqual([...server.rows.keys()], [accepted!.id]);
});

Deno.test("A critical event is in the cloud within two seconds, other events are not", async () => {
  await using server = await FaultyServer.start();
  await using agent = await startAgent({ config: config(server) });
  await post(agent, sampleEvent());
  await rested(agent);
  const waiting = await post(agent, sampleEvent({ body: "waits" }));
  // It woke nobody: the lane rests until its hour is over.
  const nextAt = await rested(agent);
  assert.ok(Date.parse(nextAt) > Date.now() + 1_800_000, nextAt);
  assert.equal(server.rows.has(waiting[0]!.id), false);

  for (const subtype of CRITICAL) {
    const tookMs = await ownMs(async () => {
      const [critical] = await post(agent, sampleEvent({ subtype }));
      await until(() => server.rows.has(critical!.id), subtype);
    }, agent);
    assert.ok(tookMs < 2_000, `${tookMs} ms`);
  }
  assert.ok(server.rows.has(waiting[0]!.id));
});

Deno.test("A critical event behind 20 000 others is in the cloud within two seconds", async () => {
  await using server = await FaultyServer.start();
  await using agent = await startAgent({ config: config(server) });
  await rested(agent);
  for (let n = 0; n < 20; n++) {
    await post(
      agent,
      Array.from({ length: 1_000 }, () => sampleEvent()),
    );
  }
  assert.equal(server.rows.size, 0);
  const tookMs = await ownMs(async () => {
    const [critical] = await post(agent, sampleEvent({ subtype: "KILL_SWITCH" }));
    await until(() => server.rows.has(critical!.id), "the critical event");
  }, agent);
  assert.equal(server.rows.size, 20_001);
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
});

/** A client that comes back by itself, wherever the agent is then. */
class Follower {
  readonly events: SseEvent[] = [];
  connections = 0;
  #url: string;
  #left = false;
  readonly #running: Promise<void>;

  constructor(url: string) {
    this.#url = url;
    this.#running = this.#follow();
  }

  moved(url: string): void {
    this.#url = url;
  }

  async leave(): Promise<void> {
    this.#left = true;
    await this.#running;
  }

  async #follow(): Promise<void> {
    while (!this.#left) {
      const last = this.events.at(-1)?.id;
      try {
        const response = await fetch(
          `${this.#url}/local/stream?mode=live&since_seq=0`,
          last === undefined ? {} : { headers: { "last-event-id": last } },
        );
        assert.equal(response.status, 200);
        this.connections++;
        for await (const event of sseEvents(response.body!)) this.events.push(event);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        // The agent is not there.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

Deno.test("A client of the live stream misses nothing and gets nothing twice while agents are killed", async () => {
  using dir = tempDir();
  let agent = await startAgent({ dir: dir.path, config: {} });
  const follower = new Follower(agent.url);
  let posted = 0;
  for (let life = 0; life < 4; life++) {
    for (let n = 0; n < 15; n++) {
      await post(agent, Array.from({ length: 40 }, () => sampleEvent()));
      posted += 40;
    }
    await agent.kill();
    agent = await startAgent({ dir: dir.path });
    follower.moved(agent.url);
  }
  await until(() => follower.events.length >= posted, "all events");
  await agent.kill();
  await follower.leave();
  assert.ok(follower.connections >= 2, `${follower.connections} connections`);
  assert.deepEqual(
    follower.events.map(({ id }) => Number(id)),
    Array.from({ length: posted }, (_, index) => index + 1),
  );
});

/** The beginning of an answer. */
async function readStart(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1_000);
  const read = await conn.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
}

Deno.test("Bodies that never end and bodies that break off store nothing and stop nobody", async () => {
  await using agent = await startAgent({ config: {} });
  const token = await agent.token();
  const { hostname, port, host } = new URL(agent.url);
  const head = (rest: string) =>
    new TextEncoder().encode(
      `POST /local/events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\n${rest}\r\n\r\n`,
    );

  // A list that goes on and on, as chunks.
  const endless = await Deno.connect({ hostname, port: Number(port) });
  await endless.write(head("Transfer-Encoding: chunked"));
  const events = new TextEncoder().encode(`${JSON.stringify(sampleEvent())},`.repeat(400));
  const chunk = new TextEncoder().encode(`${events.byteLength.toString(16)}\r\n`);
  let answer: string | undefined;
  const answered = readStart(endless).then((start) => answer = start);
  for (let sent = 0; answer === undefined && sent < 500_000_000; sent += events.byteLength) {
    for (const bytes of [chunk, events, new TextEncoder().encode("\r\n")]) {
      for (let at = 0; at < bytes.byteLength;) at += await endless.write(bytes.subarray(at));
    }
  }
  assert.match(await answered, /^HTTP\/1\.1 413 /);
  endless.close();

  // Half a body, and then nothing.
  const broken = await Deno.connect({ hostname, port: Number(port) });
  await broken.write(head("Content-Length: 1000"));
  await broken.write(new TextEncoder().encode('[{"mode":"live"'));
  broken.close();

  // A length that says too much.
  const boasting = await Deno.connect({ hostname, port: Number(port) });
  await boasting.write(head("Content-Length: 2000000"));
  assert.match(await readStart(boasting), /^HTTP\/1\.1 413 /);
  boasting.close();

  assert.deepEqual(await get(agent, "/local/events?mode=live"), []);
  assert.equal((await post(agent, sampleEvent()))[0]?.seq, 1);
});
