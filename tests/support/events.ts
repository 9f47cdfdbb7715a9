/**
 * The events stream on a real store behind the real API, and events to send to it.
 * @module
 */
import { Hub } from "../../src/core/mod.ts";
import type { Store, StreamDeps } from "../../src/store/mod.ts";
import {
  createEvents,
  type EventsConfig,
  type EventsStream,
  migrations,
} from "../../src/streams/events/mod.ts";
import { type TestApi, testApi } from "./api.ts";
import { streamDeps } from "./stream_deps.ts";
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

export type EventsOptions = Partial<StreamDeps> & { config?: Partial<EventsConfig["events"]> };

/** The stream with settings of tests: nothing is flushed by the clock within an hour. */
export function eventsStream(
  store: Store,
  { config, ...deps }: EventsOptions = {},
): EventsStream {
  return createEvents(streamDeps(store, deps), {
    retention_unsynced_days: 365,
    events: {
      modes: ["paper", "live"],
      endpoint_url: null,
      health_url: null,
      table: "zoe_events",
      health_table: "zoe_health",
      critical_subtypes: CRITICAL,
      retention_days: 30,
      flush: {
        active_sec: 3_600,
        offhours_sec: 3_600,
        batch_size: 500,
        critical_immediate: true,
        active_hours: { days: [], from: "09:30", to: "16:00", time_zone: null },
      },
      ...config,
    },
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
  { store, ...options }: EventsOptions = {},
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
