/**
 * The sync engine: one lane per stream, one connection per remote, all under one signal. It never lets one
 * lane's trouble become another's.
 * @module
 */
import {
  type Clock,
  type Hub,
  type Inbox,
  type Outbox,
  type Remote,
  type Schedule,
  type StreamName,
  systemClock,
  type Warnings,
} from "../core/mod.ts";
import type { Store } from "../store/mod.ts";
import { Connection } from "./connection.ts";
import { Lane } from "./lane.ts";
import { type NetworkInterface, watchNetwork } from "./network.ts";
import { type LaneStatus, type SyncStatus, worst } from "./status.ts";

/** What a stream gives the engine, and where its rows go. */
export interface LaneSetup {
  name: StreamName;
  outbox: Outbox;
  schedule: Schedule;
  /** Null when no cloud is configured for this stream: its rows wait. Lanes may share one. */
  remote: Remote | null;
  inbox?: Inbox | undefined;
  /** What `reset` means to the stream beyond the lane itself; called inside a transaction. */
  reset?: (() => void) | undefined;
}

export interface SyncEngineOptions {
  store: Store;
  lanes: readonly LaneSetup[];
  warnings: Warnings;
  hub: Hub;
  clock?: Clock;
  random?: () => number;
  networkInterfaces?: () => readonly NetworkInterface[];
  /** How long one request may take, whatever the remote's own limit is. */
  timeoutMs?: number;
}

/** How often a drain's progress is announced. */
const NEWS_MS = 250;

export class SyncEngine {
  readonly #store: Store;
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #setups: readonly LaneSetup[];
  readonly #lanes = new Map<StreamName, Lane>();
  readonly #connections: readonly Connection[];
  readonly #networkInterfaces: () => readonly NetworkInterface[];
  #toldAtMs = -Infinity;
  #toldStates = "";

  constructor(options: SyncEngineOptions) {
    const { store, lanes, warnings, hub } = options;
    const { clock = systemClock, random = Math.random, timeoutMs = 60_000 } = options;
    this.#store = store;
    this.#hub = hub;
    this.#clock = clock;
    this.#setups = lanes;
    this.#networkInterfaces = options.networkInterfaces ?? (() => Deno.networkInterfaces());

    const connections = new Map<Remote, Connection>();
    for (const { name, outbox, inbox, schedule, remote } of lanes) {
      if (!remote) continue;
      const connection = connections.get(remote) ??
        new Connection({ remote, clock, random, warnings });
      connections.set(remote, connection);
      const lane = new Lane({
        name,
        outbox,
        inbox,
        schedule,
        connection,
        store,
        clock,
        random,
        warnings,
        timeoutMs,
        onChange: () => this.#tell(),
      });
      this.#lanes.set(name, lane);
    }
    this.#connections = [...connections.values()];
  }

  /** Syncs until the signal aborts; ends within two seconds of that. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#lanes.size === 0) return;
    await Promise.all([
      ...[...this.#lanes.values()].map((lane) => lane.run(signal)),
      ...this.#connections.map((connection) => connection.run(signal)),
      watchNetwork({
        signal,
        clock: this.#clock,
        interfaces: this.#networkInterfaces,
        onUp: () => {
          for (const connection of this.#connections) connection.probeSoon();
          for (const lane of this.#lanes.values()) lane.networkChanged();
        },
      }),
    ]);
  }

  /** The streams that have somewhere to go. */
  get streams(): StreamName[] {
    return [...this.#lanes.keys()];
  }

  /** Syncs at once, one stream or all; resolves when they have drained or failed. The engine is running. */
  async now(stream?: StreamName): Promise<void> {
    await Promise.all(this.#chosen(stream).map((lane) => lane.now()));
  }

  /** Whether the cloud can be reached, by the newest evidence; null when none is configured. */
  online(): boolean | null {
    return this.#connections.length === 0 ? null : this.#newest()?.evidence?.reached ?? false;
  }

  status(): SyncStatus {
    const lanes = this.#setups.map((setup) => this.#laneStatus(setup));
    return {
      state: worst(lanes.map(({ state }) => state)),
      online: this.online(),
      clock_offset_ms: this.#connections.find(({ clockOffsetMs }) => clockOffsetMs !== null)
        ?.clockOffsetMs ?? null,
      lanes,
    };
  }

  /**
   * Begins anew: backoff, pauses and what was learned of a lane's remote are forgotten, and a stream that
   * keeps more (records: its queue and its cursors) forgets that too. No row is deleted.
   */
  async reset(stream?: StreamName): Promise<void> {
    const setups = this.#setups.filter(({ name }) => !stream || name === stream);
    await this.#store.write(() => setups.forEach(({ reset }) => reset?.()));
    for (const lane of this.#chosen(stream)) lane.reset();
  }

  #chosen(stream: StreamName | undefined): Lane[] {
    return [...this.#lanes.values()].filter(({ name }) => !stream || name === stream);
  }

  #newest(): Connection | undefined {
    return this.#connections.reduce((newest, each) =>
      (each.evidence?.at ?? -1) > (newest.evidence?.at ?? -1) ? each : newest
    );
  }

  #laneStatus({ name, outbox }: LaneSetup): LaneStatus {
    const lane = this.#lanes.get(name);
    const rows_rejected = 0;
    if (lane) return { ...lane.status(), rows_rejected };
    const { rows, oldest } = outbox.depth();
    return {
      stream: name,
      state: "disabled",
      remote: null,
      rows_waiting: rows,
      oldest_waiting_at: oldest,
      rows_rejected,
      last_attempt_at: null,
      last_success_at: null,
      next_attempt_at: null,
      last_error: null,
      failures_in_a_row: 0,
      mean_latency_ms: null,
      requests: 0,
      requests_failed: 0,
      rows_pushed: 0,
      rows_refused: 0,
      rows_pulled: 0,
    };
  }

  /** News for the dashboard: every change of a state, and progress a few times a second. */
  #tell(): void {
    const now = this.#clock.monotonic();
    const states = [...this.#lanes.values()].map(({ state }) => state).join();
    if (states === this.#toldStates && now - this.#toldAtMs < NEWS_MS) return;
    this.#toldStates = states;
    this.#toldAtMs = now;
    this.#hub.publish("sync", this.status());
  }
}
