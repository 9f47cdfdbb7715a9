/**
 * The stream of application events: what comes in by the API is numbered, stored, told to whoever follows, and
 * flushed to the cloud in order.
 * @module
 */
import {
  Bell,
  type Budget,
  type Clock,
  type Hub,
  type Id,
  type Instant,
  type PruneResult,
  type Route,
  type Schedule,
  type Stream,
  systemClock,
} from "../../core/mod.ts";
import type { Store } from "../../store/mod.ts";
import { type EventItem, itemOf, type StoredEvent } from "./event.ts";
import { EventLog } from "./event_log.ts";
import { type EventOutbox, eventOutbox, type FlushHealth } from "./flush.ts";
import { Ingest } from "./ingest.ts";
import { LiveStream } from "./live.ts";
import { retention } from "./retention.ts";
import { eventRoutes } from "./routes.ts";
import { flushIntervalMs, type FlushTimes } from "./schedule.ts";
import { Snapshots } from "./snapshots.ts";

export interface EventsOptions {
  store: Store;
  hub: Hub;
  ids: () => Id;
  clock?: Clock;
  deviceId: string;
  /** The modes that events may have. */
  modes: readonly string[];
  /** The cloud's tables for events and for the health row. */
  table: string;
  healthTable: string;
  /** What must not wait: on the disk before the answer, and in the cloud at once. */
  criticalSubtypes: readonly string[];
  /** Days that flushed events are kept. */
  retentionDays: number;
  /** Days that events are kept while they wait for the cloud. */
  retentionUnsyncedDays: number;
  /** Whether there is a cloud to wait for. */
  cloud: boolean;
  flush: FlushTimes & { batchSize: number; criticalImmediate: boolean };
}

/** What the hub is told, topic `events`. */
export interface EventNews {
  mode: string;
  last_seq: number;
  /** How many events are new. */
  count: number;
  /** The newest of them, oldest first. */
  events: readonly EventItem[];
}

/** What events add to `/status`. */
export interface EventsStatus {
  /** How many programs follow the live stream. */
  clients: number;
  modes: Readonly<Record<string, FlushHealth & { last_seq: number }>>;
}

export interface EventsStream extends Stream {
  readonly outbox: EventOutbox;
  readonly schedule: Schedule;
  readonly routes: readonly Route[];
  status(): { readonly events: EventsStatus };
  run(signal: AbortSignal): Promise<void>;
  /** Called inside `write`. */
  prune(now: Instant, budget: Budget): PruneResult;
}

/** How many events a piece of news carries. */
const NEWS_EVENTS = 20;
/** Busy applications make more news than a page can show. */
const NEWS_PAUSE_MS = 250;

export function createEventsStream(options: EventsOptions): EventsStream {
  const { store, hub, ids, clock = systemClock, modes, criticalSubtypes, flush } = options;
  const { retentionDays, retentionUnsyncedDays, cloud } = options;
  const log = new EventLog(store, { clock, ids });
  const outbox = eventOutbox(store, options);
  const live = new LiveStream({ log, clock });
  const snapshots = new Snapshots(store, { clock });
  const bell = new Bell();
  const newsBell = new Bell();
  const news = new Map<string, { count: number; newest: StoredEvent[] }>();
  const critical = new Set(criticalSubtypes);

  const ingest = new Ingest({
    store,
    log,
    outbox,
    criticalSubtypes,
    onStored(events) {
      live.publish(events);
      for (const event of events) {
        const { count, newest } = news.get(event.mode) ?? { count: 0, newest: [] };
        newest.push(event);
        if (newest.length > NEWS_EVENTS) newest.shift();
        news.set(event.mode, { count: count + 1, newest });
      }
      newsBell.ring();
      if (flush.criticalImmediate && events.some(({ subtype }) => critical.has(subtype))) {
        bell.ring();
      }
    },
  });

  return {
    name: "events",
    outbox,
    schedule: {
      intervalMs: () => flushIntervalMs(flush, clock.now()),
      batchSize: flush.batchSize,
      bell,
    },
    routes: eventRoutes({
      rules: { modes, now: () => clock.now() },
      log,
      ingest,
      live,
      outbox,
      snapshots,
    }),
    prune: retention(store, {
      outbox,
      retentionDays,
      unsyncedDays: cloud ? retentionUnsyncedDays : retentionDays,
      clock,
    }),

    status: () => ({
      events: {
        clients: live.clients,
        modes: Object.fromEntries(
          modes.map((mode) => [mode, { last_seq: log.lastSeq(mode), ...outbox.health(mode) }]),
        ),
      },
    }),

    async run(signal) {
      const ended = new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true })
      );
      while (!signal.aborted) {
        await Promise.race([newsBell.heard(), ended]);
        newsBell.rearm();
        for (const [mode, { count, newest }] of news) {
          const data: EventNews = {
            mode,
            last_seq: log.lastSeq(mode),
            count,
            events: newest.map(itemOf),
          };
          hub.publish("events", data);
        }
        news.clear();
        await clock.wait(NEWS_PAUSE_MS, { signal });
      }
    },
  };
}
