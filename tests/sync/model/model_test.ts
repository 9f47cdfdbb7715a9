/**
 * A lane and its outbox against a model: whatever the cloud and the machine do, no row is lost, none is settled
 * that the cloud does not have, and only rows that the cloud refuses are rejected.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Hub,
  type OutboxBatch,
  type PushResult,
  RemoteError,
  Warnings,
} from "../../../src/core/mod.ts";
import { Store, type TableOutbox } from "../../../src/store/mod.ts";
import { SyncEngine } from "../../../src/sync/mod.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";
import { type Behaviour, fail, FakeRemote } from "../../support/fakes/fake_remote.ts";
import {
  addNotes,
  rejectedNotes,
  sampleMigration,
  sampleOutbox,
  settledNotes,
} from "../../support/fakes/sample_outbox.ts";
import { tempDir } from "../../support/temp.ts";

type Step =
  | { do: "add"; count: number; poison: boolean }
  | { do: "faults"; kinds: readonly FaultKind[] }
  | { do: "wait"; ms: number }
  | { do: "now" }
  | { do: "crash" };

const KINDS = [
  "500",
  "no answer",
  "timeout",
  "lost",
  "429",
  "413",
  "409",
  "some",
  "late",
  "crash",
] as const;
type FaultKind = typeof KINDS[number];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add"),
      count: fc.integer({ min: 1, max: 30 }),
      poison: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("faults"),
      kinds: fc.array(fc.constantFrom(...KINDS), { maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(1, 500, 5_000, 20_000) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("now") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash") }) },
);

Deno.test("A lane loses nothing and settles only what the cloud has, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      await using machine = new Machine();
      for (const each of steps) {
        await machine.take(each);
        machine.check();
      }
      await machine.recover();
      machine.checkAll();
    }),
    { numRuns: 30 },
  );
});

/** The agent's machine, which may crash and start again, and the cloud, which outlives it. */
class Machine implements AsyncDisposable {
  readonly #dir = tempDir();
  readonly #clock = new FakeClock();
  readonly #cloud = new FakeRemote();
  readonly #added: string[] = [];
  readonly #poison = new Set<string>();
  #running!: {
    store: Store;
    outbox: TableOutbox;
    engine: SyncEngine;
    stop: AbortController;
    ended: Promise<void>;
  };
  #crashing: Promise<void> | undefined;

  constructor() {
    this.#cloud.behave = (batch) => this.#accept(batch);
    this.#start();
  }

  async take(step: Step): Promise<void> {
    await this.#up();
    switch (step.do) {
      case "add":
        return await this.#add(step);
      case "faults":
        this.#cloud.script.push(...step.kinds.map((kind) => this.#fault(kind)));
        return;
      case "wait":
        return await this.#clock.advance(step.ms);
      case "now":
        void this.#running.engine.now();
        return await this.#clock.advance(100);
      case "crash":
        this.#crash();
        return await this.#up();
    }
  }

  /** Holds at every moment. */
  check(): void {
    if (this.#crashing) return;
    const { store } = this.#running;
    for (const id of settledNotes(store)) {
      assert.ok(this.#cloud.stored.has(id), `${id} is settled only here`);
    }
    for (const { id } of rejectedNotes(store)) {
      assert.ok(this.#poison.has(id), `${id} was rejected`);
    }
  }

  /** The cloud is well again, and time passes. */
  async recover(): Promise<void> {
    await this.#up();
    this.#cloud.script.length = 0;
    await this.#running.outbox.counted;
    for (let round = 0; round < 40; round++) {
      void this.#running.engine.now();
      await this.#clock.advance(1_000);
      await this.#up();
      if (this.#running.engine.status().lanes[0]?.rows_waiting === 0) return;
    }
  }

  /** Holds when everything has had its time. */
  checkAll(): void {
    const { store } = this.#running;
    const good = this.#added.filter((id) => !this.#poison.has(id));
    assert.deepEqual(settledNotes(store), good);
    assert.deepEqual([...this.#cloud.stored.keys()].sort(), good);
    assert.deepEqual(rejectedNotes(store).map(({ id }) => id), [...this.#poison].sort());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#up();
    const { stop, ended, store } = this.#running;
    stop.abort();
    await this.#clock.advance(2_000);
    await ended;
    store.close();
    this.#dir[Symbol.dispose]();
  }

  #start(): void {
    const store = new Store(`${this.#dir.path}/clockblock.db`, {
      migrations: [sampleMigration],
      clock: this.#clock,
    });
    const outbox = sampleOutbox(store);
    const stop = new AbortController();
    const engine = new SyncEngine({
      store,
      lanes: [{
        name: "playtime",
        outbox,
        schedule: { intervalMs: () => 10_000, batchSize: 16 },
        remote: this.#cloud,
      }],
      clock: this.#clock,
      warnings: new Warnings({ clock: this.#clock }),
      hub: new Hub(),
      random: () => 0.5,
      networkInterfaces: () => [],
      timeoutMs: 1_000,
    });
    this.#running = { store, outbox, engine, stop, ended: engine.run(stop.signal) };
  }

  /** As by kill -9: from here on nothing is written, and nobody tidies up. */
  #crash(): void {
    const { store, stop, ended } = this.#running;
    store.write = () => Promise.reject(new Error("killed"));
    this.#crashing ??= (async () => {
      await settled();
      store.close();
      stop.abort();
      await this.#clock.advance(2_000);
      await ended;
      this.#crashing = undefined;
      this.#start();
    })();
  }

  /** Waits until the agent runs; its first push may crash it again. */
  async #up(): Promise<void> {
    while (this.#crashing) await this.#crashing;
  }

  async #add({ count, poison }: { count: number; poison: boolean }): Promise<void> {
    const from = this.#added.length + 1;
    const ids = Array.from({ length: count }, (_, n) => `n${String(from + n).padStart(4, "0")}`);
    const added = await addNotes(this.#running, ids).then(() => true, () => false);
    // A crash may come first: then nobody was told that they are there.
    if (!added) return;
    this.#added.push(...ids);
    if (poison) this.#poison.add(ids[Math.floor(count / 2)]!);
  }

  /** The cloud on a good day: it takes a batch as one statement does, all of it or nothing. */
  #accept(batch: OutboxBatch): PushResult {
    if (batch.rows.some(({ id }) => this.#poison.has(id))) throw failure(400);
    return this.#cloud.take(batch);
  }

  #fault(kind: FaultKind): Behaviour {
    switch (kind) {
      case "500":
        return fail(500);
      case "no answer":
        return fail();
      case "429":
        return fail(429, { retryAfterMs: 3_000 });
      case "timeout":
        return () => new Promise<undefined>(() => {});
      case "lost":
        return (batch) => {
          this.#accept(batch);
          throw failure();
        };
      case "413":
        return (batch) => {
          if (batch.rows.length > 1) throw failure(413);
          return this.#accept(batch);
        };
      case "409":
        return (batch) => {
          const known = batch.rows.some(({ id }) => this.#cloud.stored.has(id));
          if (known) throw failure(409);
          return this.#accept(batch);
        };
      case "some":
        return (batch) => {
          const rows = batch.rows.filter(({ id }, n) => n % 2 === 0 && !this.#poison.has(id));
          return this.#cloud.take({ ...batch, rows });
        };
      case "late":
        return async (batch) => {
          await this.#clock.wait(500);
          return this.#accept(batch);
        };
      case "crash":
        return (batch) => {
          const result = this.#accept(batch);
          this.#crash();
          return result;
        };
    }
  }
}

function failure(status?: number): RemoteError {
  return new RemoteError(`Cannot push to "fake cloud": status ${status ?? "none"}`, { status });
}
