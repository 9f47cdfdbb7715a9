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
  type Warnings,
} from "../../core/mod.ts";
import { retention, type Store } from "../../store/mod.ts";
import { type Appended, EventLog } from "./event_log.ts";
import { type EventOutbox, eventOutbox, type FlushHealth } from "./flush.ts";
import { ForeignEvents } from "./foreign.ts";
import { Ingest } from "./ingest.ts";
import { LiveStream } from "./live.ts";
import { News } from "./news.ts";
import { eventRoutes } from "./routes.ts";
import { flushIntervalMs, type FlushTimes } from "./schedule.ts";
import { Snapshots } from "./snapshots.ts";

export interface EventsOptions {
  store: Store;
  hub: Hub;
  warnings: Warnings;
  ids: () => Id;
  clock?: Clock;
  deviceId: string;
  /** The modes that events may have. */
  modes: readonly string[];
  /** The cloud's table for events. */
  table: string;
  /** The cloud's table for the health row; null where there is none. */
  healthTable: string | null;
  /** What must not wait: on the disk before the answer, and in the cloud at once. */
  criticalSubtypes: readonly string[];
  /** Days that flushed events are kept. */
  retentionDays: number;
  /** Days that events are kept that no cloud has, also while none is configured. */
  retentionUnsyncedDays: number;
  flush: FlushTimes & { batchSize: number; criticalImmediate: boolean };
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

export function createEventsStream(options: EventsOptions): EventsStream {
  const { store, hub, warnings, ids, clock = systemClock } = options;
  const { modes, criticalSubtypes, flush } = options;
  const { retentionDays, retentionUnsyncedDays } = options;
  const log = new EventLog(store, { clock, ids });
  const outbox = eventOutbox(store, { ...options, beforeRead: () => foreign.look() });
  const live = new LiveStream({ log, clock });
  const snapshots = new Snapshots(store, { clock });
  const bell = new Bell();
  const news = new News({ log, hub, clock, modes });
  const critical = new Set(criticalSubtypes);

  /** Once a run: a program that does this does it again and again. */
  let warned = false;
  const warnOfMismatch = ({ accepted, events }: Appended) => {
    const index = warned ? -1 : accepted.findIndex(({ mismatch }) => mismatch);
    if (index < 0) return;
    warned = true;
    warnings.raise(
      "events.mismatch",
      `An application used an idempotency_key twice for different events: only the first was stored ` +
        `(mode "${events[index]!.mode}", seq ${
          accepted[index]!.seq
        }). Its answer said "mismatch": true. ` +
        "This is not repeated for others until the agent restarts",
    );
  };

  const ringIfCritical = (events: readonly { subtype: string }[]) => {
    if (flush.criticalImmediate && events.some(({ subtype }) => critical.has(subtype))) bell.ring();
  };
  const foreign = new ForeignEvents({
    log,
    modes,
    clock,
    onFound(mode, found) {
      outbox.foundForeign(mode, found);
      live.publishForeign(mode, found);
      news.ring();
      ringIfCritical(found.first);
    },
  });

  const ingest = new Ingest({
    store,
    log,
    outbox,
    criticalSubtypes,
    beforeAppend: () => foreign.look(),
    onAppended(appended) {
      warnOfMismatch(appended);
      live.publish(appended);
      news.ring();
      ringIfCritical(appended.events);
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
      table: "local_events",
      key: "rowid",
      instant: "created_at",
      settled: "flushed",
      outbox,
      retentionDays,
      unsyncedDays: retentionUnsyncedDays,
      // The newest of a mode stays, so that its `seq` goes on from there.
      dispensable:
        "seq < (SELECT max(seq) FROM local_events AS others WHERE others.mode = local_events.mode)",
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
      await Promise.all([news.run(signal), foreign.run(signal)]);
    },
  };
}
