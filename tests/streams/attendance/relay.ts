/**
 * The attendance stream on a port of its own, with the clock stopped at 09:20 in India, so that tests can talk
 * to it as devices do, look at what it stored, and break its database.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { Hub, type HubMessage, Readers, type Stream, Warnings } from "../../../src/core/mod.ts";
import { Store, type WriteOptions } from "../../../src/store/mod.ts";
import {
  type AttendanceConfig,
  type AttendanceDeps,
  createAttendance,
  migrations,
} from "../../../src/streams/attendance/mod.ts";
import type { Device } from "../../../src/streams/attendance/devices/device.ts";
import { Directions } from "../../../src/streams/attendance/sheets/directions.ts";
import { People } from "../../../src/streams/attendance/storage/people.ts";
import { FakeClock, settled } from "../../support/fakes/fake_clock.ts";
import { listed } from "../../support/listed.ts";
import { streamDeps } from "../../support/stream_deps.ts";
import { tempDir } from "../../support/temp.ts";
import { IclockDevice } from "../../support/fakes/devices.ts";
import { RawSocket } from "../../support/fakes/raw_wire.ts";

export const CONFIG: AttendanceConfig["attendance"] = {
  enabled: true,
  host: "127.0.0.1",
  port: 0,
  time_zone: "Asia/Kolkata",
  unknown: "pending",
  devices: [{ sn: "DEV1", name: "Front door" }],
  pull_interval_min: 15,
  silent_after_min: 60,
  max_stay_hours: 16,
  retention_days: 365,
};

/** What decides directions where a test has no stream: by these devices, and nobody has two ids. */
export function directionsOf(store: Store, devices: readonly Device[] = []): Directions {
  return new Directions(store, {
    people: new People(store, { hub: new Hub(), clock: new FakeClock() }),
    devices: { all: () => devices, find: (sn) => devices.find((device) => device.sn === sn) },
    clock: new FakeClock(),
    maxStayMs: 16 * 3_600_000,
    changed: () => {},
    onChange: () => {},
  });
}

/** A store whose commits a test can hold up, and watch. */
export class WatchedStore extends Store {
  /** Writes wait for this. */
  gate: Promise<void> = Promise.resolve();
  /** Called when a write is committed, before whoever asked for it knows. */
  onCommit: (() => void) | undefined;
  /** How many writes are held up. */
  waiting = 0;

  override async write<T>(work: () => T, options?: WriteOptions): Promise<T> {
    this.waiting++;
    await this.gate;
    this.waiting--;
    const value = await super.write(work, options);
    this.onCommit?.();
    return value;
  }
}

export interface RelayOptions {
  config?: Partial<AttendanceConfig["attendance"]>;
  unsyncedDays?: number;
  deps?: Partial<AttendanceDeps>;
  /** A database that an earlier relay left. */
  path?: string;
  clock?: FakeClock;
}

export class Relay implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly hub = new Hub();
  readonly warnings: Warnings;
  readonly store: WatchedStore;
  readonly stream: Stream;
  /** Everything the hub was told. */
  readonly messages: HubMessage[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #dir: ({ path: string } & Disposable) | undefined;
  readonly #sockets: RawSocket[] = [];
  port = 0;

  private constructor(
    { config, unsyncedDays = 365, deps, path, clock }: RelayOptions,
    listening: () => void,
  ) {
    this.clock = clock ?? new FakeClock("2026-10-05T03:50:00.000Z");
    this.warnings = new Warnings({ clock: this.clock });
    if (path === undefined) this.#dir = tempDir();
    this.store = new WatchedStore(path ?? `${this.#dir!.path}/clockblock.db`, {
      migrations,
      clock: this.clock,
    });
    this.hub.subscribe((message) => this.messages.push(message));
    this.stream = createAttendance({
      ...streamDeps(this.store, { hub: this.hub, warnings: this.warnings, clock: this.clock }),
      onListen: ({ port }) => {
        this.port = port;
        listening();
      },
      ...deps,
    }, { retention_unsynced_days: unsyncedDays, attendance: { ...CONFIG, ...config } });
    this.#running = this.stream.run!(this.#stop.signal);
  }

  static async start(options: RelayOptions = {}): Promise<Relay> {
    const listening = Promise.withResolvers<void>();
    const relay = new Relay(options, listening.resolve);
    await listening.promise;
    return relay;
  }

  async socket(): Promise<Conversation> {
    const socket = await RawSocket.open(this.port);
    this.#sockets.push(socket);
    return new Conversation(socket);
  }

  /** A connection on which DEV1 (or another) has registered. */
  async registered(sn = "DEV1"): Promise<Conversation> {
    const device = await this.socket();
    await device.ask({ cmd: "reg", sn });
    return device;
  }

  iclock(sn = "DEV1"): IclockDevice {
    return new IclockDevice({ port: this.port, sn });
  }

  rows(sql: string): Record<string, unknown>[] {
    return this.store.db.prepare(sql).all();
  }

  count(table: string): number {
    return Number(this.rows(`SELECT count(*) AS n FROM ${table}`)[0]!.n);
  }

  punches(): Record<string, unknown>[] {
    return this.rows("SELECT * FROM device_logs ORDER BY seq");
  }

  /** The database takes no more punches, as on a full disk, until `mend`. */
  break(): void {
    this.store.db.exec(
      "CREATE TEMP TRIGGER broken BEFORE INSERT ON device_logs BEGIN SELECT RAISE(ABORT, 'broken'); END",
    );
  }

  mend(): void {
    this.store.db.exec("DROP TRIGGER temp.broken");
  }

  /** What the API answers. */
  async api(
    method: string,
    path: string,
    { params = {}, query = {}, body }: { params?: unknown; query?: unknown; body?: unknown } = {},
  ): Promise<unknown> {
    const route = this.stream.routes!.find((other) =>
      other.method === method && other.path === path
    )!;
    return listed(
      await route.handle({
        params,
        query,
        body,
        raw: new Request(`http://localhost${path}`),
        text: () => Promise.resolve(""),
        bytes: () => Promise.resolve(new Uint8Array()),
        closing: new AbortController().signal,
        readers: new Readers(),
      }),
    );
  }

  devices(): Promise<Record<string, unknown>[]> {
    return this.api("GET", "/devices") as Promise<Record<string, unknown>[]>;
  }

  async device(sn = "DEV1"): Promise<Record<string, unknown> | undefined> {
    return (await this.devices()).find((device) => device.sn === sn);
  }

  /** How often it was said that a device has come into this state. */
  said(sn: string, state: string): number {
    const states = this.messages
      .filter(({ topic }) => topic === "devices")
      .map(({ data }) => data as { sn: string; state: string })
      .filter((device) => device.sn === sn)
      .map((device) => device.state);
    return states.filter((now, index) => now === state && states[index - 1] !== state).length;
  }

  /** Time passes in which nothing happens: much faster than second by second. */
  async skip(ms: number): Promise<void> {
    await this.clock.sleep(ms);
    await settled();
  }

  /** Lets time pass for the relay, with the network's share of real time. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.clock.advance(Math.min(left, 1_000));
    }
    await settled();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    if (!this.#stop.signal.aborted) await this.stop();
    this.#dir?.[Symbol.dispose]();
  }
}

type Json = Record<string, unknown>;

/** A device's side of a WebSocket. */
export class Conversation {
  constructor(readonly socket: RawSocket) {}

  say(message: Json): Promise<void> {
    return this.socket.send(JSON.stringify(message));
  }

  /** What is said next to the device; undefined when the connection ends instead. */
  async hear(): Promise<Json | undefined> {
    const frame = await within(5_000, this.socket.next(), "an answer");
    return frame && JSON.parse(new TextDecoder().decode(frame.payload));
  }

  async ask(message: Json): Promise<Json | undefined> {
    await this.say(message);
    return await this.hear();
  }

  /** Asserts by a question that is always answered that nothing was said before. */
  async silence(sn = "DEV1"): Promise<boolean> {
    const answer = await this.ask({ cmd: "checklive", sn });
    return answer?.ret === "checklive";
  }
}

async function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Cannot wait longer for ${what}`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What another program would see of the database at this moment. */
export function connectReadOnly(path: string): { count(table: string): number } & Disposable {
  const db = new DatabaseSync(path, { readOnly: true });
  return {
    count: (table) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n),
    [Symbol.dispose]: () => db.close(),
  };
}
