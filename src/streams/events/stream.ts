/** The events stream: numbers, stores and publishes application events, and flushes them in order. @module */
import {
  type Budget,
  type Instant,
  Notifier,
  type PruneResult,
  type Route,
  type Schedule,
  type Stream,
} from "../../core/mod.ts";
import { AGENT_MODE } from "../../contract/agent_mode.ts";
import type { EventsStatus } from "../../contract/events.ts";
import { retention, type StreamDeps } from "../../store/mod.ts";
import { itemOf } from "./event.ts";
import { type Appended, EventLog } from "./event_log.ts";
import { type EventOutbox, eventOutbox } from "./outbox.ts";
import { ExternalEvents } from "./external_events.ts";
import { Ingest } from "./intake/ingest.ts";
import { LiveStream } from "./live_stream.ts";
import { Announcements } from "./announcements.ts";
import { eventRoutes } from "./routes.ts";
import { type FlushConfig, flushIntervalMs } from "./schedule.ts";
import { Snapshots } from "./snapshots.ts";

/** The keys of the configuration that this stream reads. */
export interface EventsConfig {
  /** Days that unflushed events are kept, with or without a cloud. */
  retention_unsynced_days: number;
  events: {
    modes: readonly string[];
    endpoint_url: string | null;
    health_url: string | null;
    table: string;
    health_table: string;
    critical_subtypes: readonly string[];
    retention_days: number;
    flush: FlushConfig & { batch_size: number; critical_immediate: boolean };
  };
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

export function createEvents(deps: StreamDeps, config: EventsConfig): EventsStream {
  const { store, hub, warnings, ids, clock, deviceId, timeZone } = deps;
  const { modes: programModes, table, flush, health_table, critical_subtypes: criticalSubtypes } =
    config.events;
  const { endpoint_url, health_url } = config.events;
  const modes = [...new Set([...programModes, AGENT_MODE])];
  const log = new EventLog(store, { clock, ids });
  const outbox = eventOutbox(store, {
    deviceId,
    table,
    // A plain endpoint without a health_url would take a health row for an event.
    healthTable: endpoint_url === null || health_url !== null ? health_table : null,
    beforeRead: () => external.look(),
  });
  const live = new LiveStream({ log, clock });
  const snapshots = new Snapshots(store, { clock });
  const wake = new Notifier();
  const announcements = new Announcements({ log, hub, clock, modes });
  const critical = new Set(criticalSubtypes);

  /** Warns once per run: a program that does this repeats it. */
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
    if (flush.critical_immediate && events.some(({ subtype }) => critical.has(subtype))) {
      wake.notify();
    }
  };
  const external = new ExternalEvents({
    log,
    modes,
    clock,
    onFound(mode, found) {
      outbox.foundExternal(mode, found);
      live.publishExternal(mode, found);
      announcements.ring();
      ringIfCritical(found.first);
    },
  });

  const ingest = new Ingest({
    store,
    log,
    outbox,
    criticalSubtypes,
    beforeAppend: () => external.look(),
    onAppended(appended) {
      warnOfMismatch(appended);
      live.publish(appended);
      announcements.ring();
      ringIfCritical(appended.events);
    },
  });

  return {
    name: "events",
    outbox,
    schedule: {
      intervalMs: () => flushIntervalMs(flush, { nowMs: clock.now(), timeZone }),
      batchSize: flush.batch_size,
      wake,
    },
    routes: eventRoutes({
      rules: { modes: programModes, now: () => clock.now() },
      modes,
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
      retentionDays: config.events.retention_days,
      unsyncedDays: config.retention_unsynced_days,
      // The newest event of a mode stays: numbering continues after it.
      dispensable:
        "seq < (SELECT max(seq) FROM local_events AS others WHERE others.mode = local_events.mode)",
    }),

    log(event) {
      external.look();
      const { meta, ...rest } = event;
      const meta_json = JSON.stringify(meta);
      const appended = log.append([{
        ...rest,
        id: null,
        mode: AGENT_MODE,
        source: AGENT_MODE,
        meta_json,
      }]);
      const stored = appended.stored(0);
      if (!stored) return undefined;
      outbox.added(1);
      store.afterCommit(() => {
        live.publish(appended);
        announcements.ring();
        wake.notify();
      });
      return itemOf(stored);
    },

    status: () => ({
      events: {
        clients: live.clients,
        modes: Object.fromEntries(
          modes.map((mode) => [mode, { last_seq: log.lastSeq(mode), ...outbox.health(mode) }]),
        ),
      },
    }),

    async run(signal) {
      await Promise.all([announcements.run(signal), external.run(signal)]);
    },
  };
}
