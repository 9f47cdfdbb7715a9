/**
 * The sync engine: one lane per stream, one `SharedRemote` per remote, all under one signal. No lane's failure affects
 * another.
 * @module
 */
import {
  type Clock,
  type Hub,
  type Id,
  type Inbox,
  type Outbox,
  type Remote,
  type Schedule,
  type Stream,
  type StreamName,
  type StreamReset,
  systemClock,
  type Warnings,
} from "../core/mod.ts";
import type { LaneStatus, SyncState, SyncStatus } from "../contract/sync.ts";
import type { Store } from "../store/mod.ts";
import { deviceRow, reportDevice } from "./device_report.ts";
import { Lane } from "./lane.ts";
import { type NetworkInterface, watchNetwork } from "./network.ts";
import { RejectedRows, type RowSelection } from "./rejected.ts";
import { SharedRemote } from "./shared_remote.ts";

/** What a stream gives the engine, and where its rows go. */
export interface LaneSetup {
  name: StreamName;
  outbox: Outbox;
  schedule: Schedule;
  /** Null when no cloud is configured for this stream: its rows wait. Lanes may share one. */
  remote: Remote | null;
  inbox?: Inbox | undefined;
  reset?: StreamReset | undefined;
}

export interface SyncEngineOptions {
  store: Store;
  lanes: readonly LaneSetup[];
  /** Where this machine's own row goes, and whose columns it has. */
  device?: { remote: Remote | null; deviceId: Id; streams: readonly Stream[] } | undefined;
  warnings: Warnings;
  hub: Hub;
  clock?: Clock;
  random?: () => number;
  networkInterfaces?: () => readonly NetworkInterface[];
  /** How long one request may take, whatever the remote's own limit is. */
  timeoutMs?: number;
}

/** The interval of progress messages on the hub. */
const PROGRESS_MS = 250;

/** From worst to best; activity counts more than rest. */
const WORST_FIRST: readonly SyncState[] = [
  "failed",
  "disconnected",
  "connecting",
  "syncing",
  "connected",
  "disabled",
];

export class SyncEngine {
  readonly clock: Clock;
  readonly rejected: RejectedRows;
  readonly #hub: Hub;
  readonly #warnings: Warnings;
  readonly #setups: readonly LaneSetup[];
  readonly #lanes = new Map<StreamName, Lane>();
  readonly #remotes: readonly SharedRemote[];
  readonly #networkInterfaces: () => readonly NetworkInterface[];
  readonly #report: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  #running = false;
  #publishedMs = -Infinity;
  #publishedStates = "";

  constructor(options: SyncEngineOptions) {
    const { store, lanes, warnings, hub } = options;
    const { clock = systemClock, random = Math.random, timeoutMs = 60_000 } = options;
    this.clock = clock;
    this.rejected = new RejectedRows(
      store,
      new Map(lanes.map(({ name, outbox }) => [name, outbox])),
    );
    this.#hub = hub;
    this.#warnings = warnings;
    this.#setups = lanes;
    this.#networkInterfaces = options.networkInterfaces ?? (() => Deno.networkInterfaces());

    const remotes = new Map<Remote, SharedRemote>();
    for (const { name, outbox, inbox, schedule, remote } of lanes) {
      if (!remote) continue;
      const shared = remotes.get(remote) ??
        new SharedRemote({
          remote,
          clock,
          random,
          warnings,
          wanted: () => hub.pages > 0 || lanes.some((lane) => lane.outbox.depth().rows > 0),
        });
      remotes.set(remote, shared);
      const lane = new Lane({
        name,
        outbox,
        inbox,
        schedule,
        shared,
        store,
        clock,
        random,
        warnings,
        timeoutMs,
        onChange: () => this.#publish(),
      });
      this.#lanes.set(name, lane);
    }
    this.#remotes = [...remotes.values()];
    const { device } = options;
    const remote = device?.remote;
    if (!remote) return;
    const describe = () => deviceRow({ ...device, sync: this.status(), clock });
    this.#report = (signal) =>
      reportDevice({ remote, describe, clock, random, warnings, timeoutMs }, signal);
  }

  /** Syncs until the signal aborts; ends within two seconds of that. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#lanes.size === 0) return;
    this.#running = true;
    await Promise.all([
      ...[...this.#lanes.values()].map((lane) => lane.run(signal)),
      ...this.#remotes.map((remote) => remote.run(signal)),
      this.#report(signal),
      watchNetwork({
        signal,
        clock: this.clock,
        interfaces: this.#networkInterfaces,
        onUp: () => {
          for (const remote of this.#remotes) remote.probeSoon();
          for (const lane of this.#lanes.values()) lane.networkChanged();
        },
      }),
    ]);
    this.#running = false;
  }

  /** Intervals have changed: lanes that wait for theirs do not wait for the old one. */
  scheduleChanged(): void {
    for (const lane of this.#lanes.values()) lane.scheduleChanged();
  }

  /** The streams that have an outbox. */
  get streams(): StreamName[] {
    return this.#setups.map(({ name }) => name);
  }

  /** Those of them with a remote. */
  get configured(): StreamName[] {
    return [...this.#lanes.keys()];
  }

  /** Syncs at once, one stream or all; resolves when everything is sent or has failed. The engine is running. */
  async now(stream?: StreamName): Promise<void> {
    await Promise.all(this.#chosen(stream).map((lane) => lane.now()));
  }

  /** Whether the cloud can be reached, by the newest evidence; null when none is configured. */
  online(): boolean | null {
    if (this.#remotes.length === 0) return null;
    const newest = this.#remotes.reduce((newest, each) =>
      (each.evidence?.atMs ?? -1) > (newest.evidence?.atMs ?? -1) ? each : newest
    );
    return newest.evidence?.reached ?? false;
  }

  /** The cloud's clock less this machine's, in milliseconds; null until one was compared. */
  get clockOffsetMs(): number | null {
    return this.#remotes.find(({ clockOffsetMs }) => clockOffsetMs !== null)?.clockOffsetMs ?? null;
  }

  /** The account that rows are sent for, where people sign in to a cloud; null before the first request. */
  get signedInAs(): string | null {
    return this.#remotes.map(({ remote }) => remote.account?.() ?? null)
      .find((account) => account !== null) ?? null;
  }

  /** The same by the clock of the cloud that this stream goes to. */
  clockOffsetMsOf(stream: StreamName): number | null {
    return this.#lanes.get(stream)?.clockOffsetMs ?? null;
  }

  /** Whether the lanes run. */
  get running(): boolean {
    return this.#running;
  }

  /** The state of the lane in the worst state, without counting what waits. */
  get state(): SyncState {
    const states = new Set([...this.#lanes.values()].map(({ state }) => state));
    return WORST_FIRST.find((state) => states.has(state)) ?? "disabled";
  }

  status(): SyncStatus {
    const lanes = this.#setups.map((setup) => this.#laneStatus(setup));
    return {
      state: this.state,
      running: this.#running,
      online: this.online(),
      clock_offset_ms: this.clockOffsetMs,
      signed_in_as: this.signedInAs,
      lanes,
    };
  }

  /** How many changes a reset of one stream or all would lose. */
  resetLoses(stream?: StreamName): number {
    return this.#resets(stream).reduce((sum, reset) => sum + reset.loses(), 0);
  }

  /** Ends backoff and pauses, tries everything that waits and rejected rows again, and runs the streams' own resets. */
  async reset(stream?: StreamName): Promise<void> {
    await this.rejected.retry({ stream });
    for (const reset of this.#resets(stream)) await reset.run();
    for (const lane of this.#chosen(stream)) lane.reset();
  }

  /** Has rejected rows tried again, at once; resolves with how many there were. */
  async retry(which: RowSelection): Promise<number> {
    const readmitted = await this.rejected.retry(which);
    if (readmitted > 0) this.#chosen(which.stream).forEach((lane) => lane.hurry());
    this.#warnOfRejected();
    return readmitted;
  }

  /** Discards rejected rows; resolves with how many there were. */
  async discard(which: RowSelection): Promise<number> {
    const discarded = await this.rejected.discard(which);
    this.#warnOfRejected();
    return discarded;
  }

  /** Of streams with a remote: without one nothing is reset. */
  #resets(stream: StreamName | undefined): StreamReset[] {
    return this.#setups.flatMap(({ name, reset }) =>
      reset && this.#lanes.has(name) && (!stream || name === stream) ? [reset] : []
    );
  }

  #chosen(stream: StreamName | undefined): Lane[] {
    return [...this.#lanes.values()].filter(({ name }) => !stream || name === stream);
  }

  #warnOfRejected(): void {
    for (const { name } of this.#setups) {
      const code = `sync.${name}.rejected`;
      if (this.rejected.count(name) === 0) this.#warnings.clear(code);
      else {
        this.#warnings.raise(
          code,
          `The cloud refused rows of ${name}: see \`clockblock rejected list\`, then retry or discard them`,
        );
      }
    }
  }

  #laneStatus({ name, outbox }: LaneSetup): LaneStatus {
    const lane = this.#lanes.get(name);
    const rows_rejected = this.rejected.count(name);
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
      reading: null,
    };
  }

  /** Publishes every change of a state at once, and progress a few times a second. */
  #publish(): void {
    this.#warnOfRejected();
    const now = this.clock.monotonic();
    const states = [...this.#lanes.values()].map(({ state }) => state).join();
    if (states === this.#publishedStates && now - this.#publishedMs < PROGRESS_MS) return;
    this.#publishedStates = states;
    this.#publishedMs = now;
    this.#hub.publish("sync", this.status());
  }
}
