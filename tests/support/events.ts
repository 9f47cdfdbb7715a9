/**
 * The events stream on a real store behind the real API, and events to send to it.
 * @module
 */
import { Hub, idSource, systemClock, Warnings } from "../../src/core/mod.ts";
import type { Store } from "../../src/store/mod.ts";
import {
  createEventsStream,
  type EventsOptions,
  type EventsStream,
  migrations,
} from "../../src/streams/events/mod.ts";
import { type TestApi, testApi } from "./api.ts";
import { tempStore } from "./temp.ts";

export const CRITICAL = ["BUY_FILLED", "KILL_SWITCH"];

/** An event as an application sends it. */
export function sampleEvent(changes: Readonly<Record<string, unknown>> = {}): {
  [field: string]: unknown;
} {
  return {
    mode: "live",
    source: "bot",
    type: "trade",
    subtype: "ORDER_PLACED",
    symbol: "BTC-USD",
    body: "Placed an order",
    meta: { price: 60123.45 },
    ...changes,
  };
}

/** The stream with settings of tests: nothing is flushed by the clock within an hour. */
export function eventsStream(store: Store, options: Partial<EventsOptions> = {}): EventsStream {
  const { clock = systemClock } = options;
  return createEventsStream({
    store,
    hub: new Hub(),
    warnings: new Warnings({ clock }),
    clock,
    ids: idSource(clock),
    deviceId: "pc-1",
    modes: ["paper", "live"],
    table: "zoe_events",
    healthTable: "zoe_health",
    criticalSubtypes: CRITICAL,
    retentionDays: 30,
    retentionUnsyncedDays: 365,
    flush: {
      activeSec: 3_600,
      offhoursSec: 3_600,
      batchSize: 500,
      criticalImmediate: true,
      activeHours: { days: [], from: "09:30", to: "16:00", timeZone: "UTC" },
    },
    ...options,
  });
}

export interface EventsBench extends TestApi {
  store: Store;
  stream: EventsStream;
  /** Posts events and returns the answer's JSON; throws when they are not stored. */
  post(events: unknown, query?: string): Promise<PostAnswer>;
  /** What the API answers to a GET. */
  get<T>(path: string): Promise<T>;
}

export interface PostAnswer {
  accepted: {
    id: string;
    seq: number;
    idempotency_key: string;
    duplicate: boolean;
    mismatch?: true;
  }[];
  rejected?: { index: number; line?: number; errors: { field: string; message: string }[] }[];
}

/** The stream behind an API, on a store of its own unless one is given; `using` closes and removes it. */
export function eventsBench(
  { store, ...options }: Partial<EventsOptions> = {},
): EventsBench {
  using cleanup = new DisposableStack();
  const hub = options.hub ?? new Hub();
  const opened = store ??
    cleanup.use(tempStore(migrations, options.clock ? { clock: options.clock } : {})).store;
  const stream = eventsStream(opened, { ...options, hub });
  const api = cleanup.use(
    testApi({
      store: opened,
      streams: [stream],
      hub,
      ...(options.clock ? { clock: options.clock } : {}),
    }),
  );
  const all = cleanup.move();
  return {
    ...api,
    store: opened,
    stream,
    async post(events, query = "") {
      const response = await api.ask(`/local/events${query}`, { method: "POST", json: events });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      return await response.json();
    },
    async get(path) {
      const response = await api.ask(path);
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      return await response.json();
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** What lies in the log, by mode and seq. */
export function storedEvents(store: Store): Record<string, unknown>[] {
  return store.db.prepare("SELECT * FROM local_events ORDER BY mode, seq").all();
}
