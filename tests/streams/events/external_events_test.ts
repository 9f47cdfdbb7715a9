/** Another program inserts into `local_events` while the agent runs, by a connection of its own. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Hub, type HubMessage } from "../../../src/core/mod.ts";
import type { EventsMessage } from "../../../src/contract/events.ts";
import { type SseEvent, sseEvents } from "../../support/fakes/events/event_source.ts";
import { type EventsBench, eventsBench, sampleEvent } from "../../support/events.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { until } from "../../support/until.ts";

interface Item {
  id: string;
  seq: number;
  ts: string;
  severity: string;
  meta: unknown;
  idempotency_key: string;
}

/** The agent's stream at work, and another program beside it. */
class House implements AsyncDisposable {
  readonly clock = new FakeClock("2026-03-02T12:00:00.000Z");
  readonly news: EventsMessage[] = [];
  readonly bench: EventsBench;
  readonly other: DatabaseSync;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor() {
    const hub = new Hub();
    hub.subscribe(({ topic, data }: HubMessage) => {
      if (topic === "events") this.news.push(data as EventsMessage);
    });
    this.bench = eventsBench({ clock: this.clock, hub });
    this.other = new DatabaseSync(this.bench.store.path);
    this.#running = this.bench.stream.run(this.#stop.signal);
  }

  /** As such a program numbers its rows. */
  insert(values: Readonly<Record<string, string | number | null>> = {}): void {
    const row = {
      mode: "live",
      ts: "2026-03-02T12:00:00.000Z",
      source: "bot",
      type: "TRADE",
      subtype: "NOTE",
      body: "b",
      idempotency_key: crypto.randomUUID(),
      ...values,
    };
    const names = Object.keys(row);
    this.other.prepare(
      `INSERT INTO local_events (${names.join(", ")}, seq) SELECT ${
        names.map(() => "?").join(", ")
      },
         coalesce(max(seq), 0) + 1 FROM local_events WHERE mode = '${row.mode}'`,
    ).run(...Object.values(row));
  }

  insertMany(count: number): void {
    this.other.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
       INSERT INTO local_events (mode, seq, source, type, subtype, body)
       SELECT 'live', i + (SELECT coalesce(max(seq), 0) FROM local_events WHERE mode = 'live'), 'bot', 'A', 'B', 'c'
       FROM n`,
    );
  }

  /** What a follower hears. */
  async follow(): Promise<SseEvent[]> {
    const response = await this.bench.ask("/local/stream?mode=live");
    const events: SseEvent[] = [];
    void (async () => {
      try {
        for await (const event of sseEvents(response.body!)) events.push(event);
      } catch {
        // The house is closed.
      }
    })();
    return events;
  }

  get depth(): number {
    return this.bench.stream.outbox.depth().rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(500);
    await this.#running;
    this.other.close();
    this.bench[Symbol.dispose]();
  }
}

const seqsOf = (events: readonly { id: string; seq?: unknown }[]) => events.map(({ seq }) => seq);
const numbers = (to: number) => Array.from({ length: to }, (_, index) => index + 1);

Deno.test("Numbers go on above what another program has inserted, of each mode by itself", async () => {
  await using house = new House();
  const { bench } = house;
  await bench.post(sampleEvent());
  house.insert();
  house.insert();
  house.insert({ mode: "paper" });
  const { accepted } = await bench.post([sampleEvent(), sampleEvent({ mode: "paper" })]);
  assert.deepEqual(seqsOf(accepted), [4, 2]);
  house.insert();
  assert.deepEqual(seqsOf((await bench.post(sampleEvent())).accepted), [6]);
  assert.deepEqual(seqsOf(await bench.get<Item[]>("/local/events?mode=live")), numbers(6));
});

Deno.test("Followers and the page hear of another program's event within half a second", async () => {
  await using house = new House();
  await house.bench.post(sampleEvent());
  const heard = await house.follow();
  house.insert({ body: "from elsewhere" });
  await house.clock.advance(500);
  await until(() => heard.length === 1);
  assert.equal(heard[0]?.id, "2");
  assert.equal(JSON.parse(heard[0]!.data).body, "from elsewhere");
  await until(() => house.news.at(-1)?.last_seq === 2);
  assert.deepEqual(house.news.at(-1)?.events.map(({ body }) => body), ["from elsewhere"]);
  const { last_seq } = await house.bench.get<{ last_seq: number }>("/local/state?mode=live");
  assert.equal(last_seq, 2);
});

Deno.test("Followers get both programs' events in order and once", async () => {
  await using house = new House();
  const heard = await house.follow();
  for (let round = 0; round < 5; round++) {
    house.insert();
    await house.bench.post([sampleEvent(), sampleEvent()]);
    house.insert();
    if (round % 2 === 0) await house.clock.advance(500);
  }
  await house.clock.advance(500);
  await until(() => heard.length >= 20);
  assert.deepEqual(heard.map(({ id }) => Number(id)), numbers(20));
});

Deno.test("Another program's event is flushed and counted like any other", async () => {
  await using house = new House();
  const { outbox } = house.bench.stream;
  await house.bench.post(sampleEvent());
  house.insert();
  // Before the next look: it is the flush that finds it.
  const { rows } = outbox.pending(500);
  assert.deepEqual(seqsOf(rows), [1, 2]);
  assert.equal(house.depth, 2);
  await house.bench.store.write(() => outbox.settle(rows.map(({ id }) => id), "at"));
  assert.equal(house.depth, 0);
  assert.equal(outbox.pending(500).rows.length, 0);
  house.insert();
  await house.clock.advance(500);
  assert.equal(house.depth, 1);
  house.insert({ flushed: 1 });
  await house.clock.advance(500);
  assert.equal(house.depth, 1);
});

Deno.test("What another program marks as flushed or deletes is not counted as waiting for ever", async () => {
  await using house = new House();
  await house.bench.post([sampleEvent(), sampleEvent(), sampleEvent()]);
  house.other.exec(
    "UPDATE local_events SET flushed = 1 WHERE seq <> 2; DELETE FROM local_events WHERE seq = 2",
  );
  assert.equal(house.bench.stream.outbox.pending(500).rows.length, 0);
  await until(() => house.depth === 0);
  house.insert();
  await house.clock.advance(500);
  assert.equal(house.depth, 1);
});

Deno.test("Another program's critical event wakes the flush, others do not", async () => {
  await using house = new House();
  let rung = false;
  void house.bench.stream.schedule.wake!.notified().then(() => rung = true);
  house.insert();
  await house.clock.advance(500);
  assert.equal(rung, false);
  house.insert({ subtype: "KILL_SWITCH" });
  await house.clock.advance(500);
  await until(() => rung);
});

Deno.test("Thousands at once are counted in the background and read by followers at their pace", async () => {
  await using house = new House();
  await house.bench.post([sampleEvent(), sampleEvent()]);
  const heard = await house.follow();
  house.insertMany(6_000);
  await house.bench.post(sampleEvent());
  await until(() => heard.length >= 6_001);
  assert.deepEqual(heard.map(({ id }) => Number(id)), numbers(6_003).slice(2));
  await until(() => house.depth === 6_003);
  const { rows } = house.bench.stream.outbox.pending(500);
  await house.bench.store.write(() =>
    house.bench.stream.outbox.settle(rows.map(({ id }) => id), "at")
  );
  assert.equal(house.depth, 5_503);
});

const META = '{\n  "price": 12345678901234567890,\n  "note": "two lines"\n}';

Deno.test.each(
  [
    ["a time without a zone", { ts: "2026-03-02 11:00:00.123456" }, {
      ts: "2026-03-02T11:00:00.123Z",
    }],
    ["a time of a zone", { ts: "2026-03-02T12:00:00+01:00" }, { ts: "2026-03-02T11:00:00.000Z" }],
    ["another name of a severity", { severity: "WARN" }, { severity: "warning" }],
    ["no key", { id: "e-1", idempotency_key: null }, { idempotency_key: "e-1" }],
    ["no meta", { meta_json: null }, { meta: {} }],
    ["meta that is no JSON", { meta_json: "{'price': 1}" }, {
      meta: { meta_json: "{'price': 1}" },
    }],
    ["meta that is no object", { meta_json: "[1]" }, { meta: { meta_json: "[1]" } }],
    ["meta that is a long number", { meta_json: "12345678901234567890" }, {
      meta: { meta_json: "12345678901234567890" },
    }],
    ["meta over several lines", { meta_json: '{\n"a":\r\n1}' }, { meta: { a: 1 } }],
  ] as const,
)(
  "Another program's event with %s is given out, streamed and flushed",
  async (_, values, expected) => {
    await using house = new House();
    const heard = await house.follow();
    house.insert(values);
    await house.clock.advance(500);
    await until(() => heard.length === 1);
    const [item] = await house.bench.get<Item[]>("/local/events?mode=live");
    const [row] = house.bench.stream.outbox.pending(1).rows;
    for (const [field, value] of Object.entries(expected)) {
      assert.deepEqual(item?.[field as keyof Item], value);
      assert.deepEqual(row?.[field], value);
    }
    assert.deepEqual(JSON.parse(heard[0]!.data), item);
  },
);

Deno.test("Numbers in another program's meta stay as they were written", async () => {
  await using house = new House();
  house.insert({ meta_json: META });
  const response = await house.bench.ask("/local/events?mode=live");
  assert.match(await response.text(), /"price":12345678901234567890,/);
  assert.match(
    JSON.stringify(house.bench.stream.outbox.pending(1)),
    /"price":12345678901234567890,/,
  );
});
