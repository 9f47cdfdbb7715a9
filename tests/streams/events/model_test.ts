/**
 * The log and its flush against a model in memory: whatever is posted, flushed, lost on the way, crashed,
 * restarted or pruned, in whatever order.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { OutboxBatch, Row } from "../../../src/core/mod.ts";
import { Store } from "../../../src/store/mod.ts";
import { migrations } from "../../../src/streams/events/mod.ts";
import { type EventsBench, eventsBench, sampleEvent, storedEvents } from "../../support/events.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { tempDir } from "../../support/temp.ts";

const DAY = 86_400_000;
const RETENTION_DAYS = 30;
const UNSYNCED_DAYS = 365;

interface ModelEvent {
  mode: string;
  seq: number;
  key: string;
  createdAt: number;
  flushed: boolean;
}

/** What should lie in the log, and what the cloud has. */
class Model {
  events: ModelEvent[] = [];
  readonly lastSeq: Record<string, number> = { live: 0, paper: 0 };
  /** By mode and key: `mode seq`. A key that retention has forgotten may come again as a new event. */
  readonly cloud = new Map<string, Set<string>>();

  append(mode: string, key: string, createdAt: number): { seq: number; duplicate: boolean } {
    const known = this.events.find((event) => event.mode === mode && event.key === key);
    if (known) return { seq: known.seq, duplicate: true };
    const seq = ++this.lastSeq[mode]!;
    this.events.push({ mode, seq, key, createdAt, flushed: false });
    return { seq, duplicate: false };
  }

  prune(now: number): void {
    this.events = this.events.filter(({ mode, seq, createdAt, flushed }) =>
      seq === this.lastSeq[mode] ||
      createdAt >= now - (flushed ? RETENTION_DAYS : UNSYNCED_DAYS) * DAY
    );
  }
}

/** The system under test: a database file, and the agent's part on it while it runs. */
class Real {
  readonly dir = tempDir();
  readonly clock = new FakeClock();
  /** The cloud's rows by mode and key; an upsert leaves the first one as it is. */
  readonly cloud = new Map<string, Set<string>>();
  store!: Store;
  bench!: EventsBench;

  constructor() {
    this.open();
  }

  open(): void {
    const path = `${this.dir.path}/clockblock.db`;
    this.store = new Store(path, { migrations, clock: this.clock });
    this.bench = eventsBench({ store: this.store, clock: this.clock });
  }

  close(): void {
    this.bench[Symbol.dispose]();
    this.store.close();
  }

  end(): void {
    this.close();
    this.dir[Symbol.dispose]();
  }

  upsert(rows: readonly Row[]): void {
    for (const { idempotency_key, mode, seq } of rows) {
      const key = `${mode} ${idempotency_key}`;
      this.cloud.set(key, (this.cloud.get(key) ?? new Set()).add(`${mode} ${seq}`));
    }
  }

  async settle({ rows }: OutboxBatch): Promise<void> {
    await this.store.write(() => this.bench.stream.outbox.settle(rows.map(({ id }) => id), "at"));
  }
}

type Command = fc.AsyncCommand<Model, Real>;

class Post implements Command {
  constructor(readonly events: readonly { mode: string; key: number }[]) {}
  check = () => true;
  async run(model: Model, { bench, clock }: Real): Promise<void> {
    const { accepted } = await bench.post(
      this.events.map(({ mode, key }) => sampleEvent({ mode, idempotency_key: `k${key}` })),
    );
    const expected = this.events.map(({ mode, key }) => model.append(mode, `k${key}`, clock.now()));
    assert.deepEqual(accepted.map(({ seq, duplicate }) => ({ seq, duplicate })), expected);
  }
  toString = () => `post(${this.events.map(({ mode, key }) => `${mode} k${key}`)})`;
}

/** A batch on its way to the cloud, and how far it gets. */
class Flush implements Command {
  constructor(readonly limit: number, readonly ends: "ok" | "unsent" | "unanswered") {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { outbox } = real.bench.stream;
    const batch = outbox.pending(this.limit);
    const { rows } = batch;
    const waiting = model.events.filter(({ flushed }) => !flushed);
    assert.equal(rows.length === 0, waiting.length === 0);
    if (rows.length === 0) return;

    const mode = rows[0]!.mode;
    const expected = waiting.filter((event) => event.mode === mode).slice(0, this.limit);
    assert.deepEqual(rows.map((row) => row.seq), expected.map(({ seq }) => seq));
    assert.deepEqual(rows.map((row) => row.idempotency_key), expected.map(({ key }) => key));

    if (this.ends !== "unsent") {
      real.upsert(rows);
      for (const { key, mode, seq } of expected) {
        const id = `${mode} ${key}`;
        model.cloud.set(id, (model.cloud.get(id) ?? new Set()).add(`${mode} ${seq}`));
      }
    }
    if (this.ends === "ok") {
      await real.settle(batch);
      for (const event of expected) event.flushed = true;
    }
    const status = this.ends === "ok" ? "ok" : "error";
    await real.store.write(() => outbox.attempted?.({ at: "at", batch, status }));
  }
  toString = () => `flush(${this.limit}, ${this.ends})`;
}

class Restart implements Command {
  check = () => true;
  run(_: Model, real: Real): Promise<void> {
    real.close();
    real.open();
    return Promise.resolve();
  }
  toString = () => "restart";
}

/** A request whose commit does not come about: nothing of it may be seen. */
class Fail implements Command {
  constructor(readonly count: number) {}
  check = () => true;
  async run(_: Model, { bench, store }: Real): Promise<void> {
    store.db.exec(
      `CREATE TEMP TRIGGER refuse BEFORE INSERT ON local_events WHEN new.body = 'refuse'
       BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );
    const events = Array.from({ length: this.count }, () => sampleEvent());
    await assert.rejects(bench.post([...events, sampleEvent({ body: "refuse" })]));
    store.db.exec("DROP TRIGGER refuse");
  }
  toString = () => `fail(${this.count})`;
}

class Prune implements Command {
  constructor(readonly afterDays: number) {}
  check = () => true;
  async run(model: Model, { bench, clock, store }: Real): Promise<void> {
    await clock.advance(this.afterDays * DAY);
    const now = new Date(clock.now()).toISOString();
    for (let more = true; more;) {
      ({ more } = await store.write(() => bench.stream.prune(now, { left: () => false })));
    }
    model.prune(clock.now());
  }
  toString = () => `prune(${this.afterDays} days later)`;
}

/** What must be true at any time. */
class Check implements Command {
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { bench, store } = real;
    const rows = storedEvents(store);
    const order = (a: ModelEvent, b: ModelEvent) =>
      a.mode === b.mode ? a.seq - b.seq : a.mode < b.mode ? -1 : 1;
    assert.deepEqual(
      rows.map((row) => [row.mode, row.seq, row.idempotency_key, row.flushed === 1]),
      model.events.toSorted(order).map(({ mode, seq, key, flushed }) => [mode, seq, key, flushed]),
    );
    const waiting = model.events.filter(({ flushed }) => !flushed);
    assert.equal(bench.stream.outbox.depth().rows, waiting.length);
    for (const [mode, last] of Object.entries(model.lastSeq)) {
      const state = await bench.get<{ last_seq: number; health: { unflushed: number } }>(
        `/local/state?mode=${mode}`,
      );
      assert.equal(state.last_seq, last);
      assert.equal(
        state.health.unflushed,
        waiting.filter((event) => event.mode === mode).length,
      );
    }
    assert.deepEqual(real.cloud, model.cloud);
  }
  toString = () => "check";
}

Deno.test("Log and flush do what the model does", async () => {
  const mode = fc.constantFrom("live", "paper");
  const commands = fc.commands([
    fc.array(fc.record({ mode, key: fc.nat(400) }), { minLength: 1, maxLength: 8 })
      .map((events) => new Post(events)),
    // Long enough for the statements that take a hundred at once.
    fc.record({ mode, from: fc.nat(400), count: fc.integer({ min: 100, max: 230 }) })
      .map(({ mode, from, count }) =>
        new Post(Array.from({ length: count }, (_, index) => ({ mode, key: from + index })))
      ),
    fc.record({
      limit: fc.constantFrom(1, 7, 500),
      ends: fc.constantFrom("ok" as const, "ok" as const, "unsent" as const, "unanswered" as const),
    }).map(({ limit, ends }) => new Flush(limit, ends)),
    fc.constant(new Restart()),
    fc.nat(130).map((count) => new Fail(count)),
    fc.constantFrom(1, 31, 366).map((days) => new Prune(days)),
    fc.constant(new Check()),
  ], { maxCommands: 25 });
  await fc.assert(
    fc.asyncProperty(commands, async (commands) => {
      const real = new Real();
      const model = new Model();
      try {
        await fc.asyncModelRun(() => ({ model, real }), [...commands, new Check()]);
        // Whatever happened on the way: in the end the cloud has every event that is still here.
        const { outbox } = real.bench.stream;
        for (let batch = outbox.pending(500); batch.rows.length > 0; batch = outbox.pending(500)) {
          real.upsert(batch.rows);
          await real.settle(batch);
          const attempt = { at: "at", batch, status: "ok" } as const;
          await real.store.write(() => outbox.attempted?.(attempt));
        }
        for (const { key, mode, seq } of model.events) {
          assert.ok(
            real.cloud.get(`${mode} ${key}`)?.has(`${mode} ${seq}`),
            `${key} is in the cloud`,
          );
        }
      } finally {
        real.end();
      }
    }),
    { numRuns: 40 },
  );
});
