/**
 * A running engine with one lane, a fake cloud and a clock that stands still: what most tests of a lane need.
 * @module
 */
import {
  Hub,
  type Inbox,
  Notifier,
  type Outbox,
  type Remote,
  Warnings,
} from "../../src/core/mod.ts";
import type { TableOutbox } from "../../src/store/mod.ts";
import type { LaneStatus } from "../../src/contract/sync.ts";
import { SyncEngine } from "../../src/sync/mod.ts";
import { FakeClock } from "./fakes/fake_clock.ts";
import { FakeRemote } from "./fakes/fake_remote.ts";
import { sampleMigration, sampleOutbox } from "./fakes/sample_outbox.ts";
import { tempStore } from "./temp.ts";
import { until } from "./until.ts";

export interface SyncBenchOptions {
  /** Null: no cloud is configured. */
  remote?: Remote | null;
  batchSize?: number;
  /** The most rows of a round. */
  roundSize?: number;
  intervalMs?: number;
  inbox?: Inbox;
  /** What the lane has for an outbox, made from the real one. */
  outbox?: (real: TableOutbox) => Outbox;
  random?: () => number;
  timeoutMs?: number;
}

export class SyncBench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly warnings = new Warnings({ clock: this.clock });
  readonly hub = new Hub();
  readonly wake = new Notifier();
  readonly temp = tempStore([sampleMigration], { clock: this.clock });
  readonly store = this.temp.store;
  readonly outbox: TableOutbox = sampleOutbox(this.store);
  readonly cloud = new FakeRemote();
  readonly engine: SyncEngine;
  interfaces = [{ name: "eth0", address: "192.0.2.1" }];
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: SyncBenchOptions = {}) {
    const { batchSize = 500, intervalMs = 300_000, random = () => 0.5, inbox } = options;
    const { roundSize } = options;
    this.engine = new SyncEngine({
      store: this.store,
      lanes: [{
        name: "playtime",
        outbox: options.outbox?.(this.outbox) ?? this.outbox,
        schedule: {
          intervalMs: () => intervalMs,
          batchSize,
          ...(roundSize === undefined ? {} : { roundSize }),
          wake: this.wake,
        },
        remote: options.remote === undefined ? this.cloud : options.remote,
        inbox,
      }],
      clock: this.clock,
      warnings: this.warnings,
      hub: this.hub,
      random,
      networkInterfaces: () => this.interfaces,
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
  }

  start(): void {
    this.#running = this.engine.run(this.#stop.signal);
  }

  /** Starts, and waits for the end of the first round. */
  async begin(): Promise<void> {
    this.start();
    await this.engine.now();
  }

  get lane(): LaneStatus {
    return this.engine.status().lanes[0]!;
  }

  /** Waits for so many requests and for the lane to rest after them. */
  async requests(count: number): Promise<void> {
    await until(
      () => this.cloud.requests.length >= count && this.lane.next_attempt_at !== null,
      `${count} requests (there were ${this.cloud.requests.length})`,
    );
  }

  /** Lets time pass until the condition holds, ten minutes at most. */
  async passing(condition: () => boolean): Promise<void> {
    for (let second = 0; second < 600 && !condition(); second++) await this.clock.advance(1_000);
    await until(condition);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // Whatever still waits on the clock has its moment of grace now.
    await this.clock.advance(2_000);
    await this.#running;
    this.temp[Symbol.dispose]();
  }
}
