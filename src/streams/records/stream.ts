/** The records stream: rows edited on this machine or in the cloud, kept the same on both. @module */
import { type Instant, instantOf, msOf, type PruneResult, type Stream } from "../../core/mod.ts";
import type { RecordTable } from "../../contract/records.ts";
import type { StreamDeps } from "../../store/mod.ts";
import { Changes } from "./changes.ts";
import { conflictRoutes } from "./api/conflict_routes.ts";
import { Conflicts } from "./conflicts.ts";
import { RecordsInbox } from "./inbox.ts";
import { RecordsOutbox } from "./outbox.ts";
import { Queue } from "./queue.ts";
import { recordRoutes } from "./api/routes.ts";
import { Rows } from "./rows.ts";

export interface RecordsDeps extends StreamDeps {
  /** Days that the cloud keeps tombstones (`purge_tombstones` in the schema). */
  tombstoneDays?: number;
}

/** The keys of the configuration that this stream reads. */
export interface RecordsConfig {
  records: {
    /** Parents before children. */
    tables: readonly { name: string; key?: string }[];
    sync_interval_sec: number;
  };
}

export interface RecordsStream extends Stream {
  reset: {
    /** Deletes waiting changes; the next pull reads everything again. */
    run(): Promise<void>;
    /** Number of changes that were not pushed: waiting and refused ones. */
    loses(): number;
  };
}

/** Changes of one cycle. Each cycle pulls first, so that it sees the cloud's changes before it pushes more. */
const MAX_CYCLE_CHANGES = 100;

/** Waiting changes above which a warning is raised. */
const MAX_WAITING = 1_000;

const DAY_MS = 86_400_000;

export function createRecords(deps: RecordsDeps, config: RecordsConfig): RecordsStream {
  const { store, hub, warnings, clock, systemId, realtime, ids } = deps;
  const { tombstoneDays = 90 } = deps;
  const clockOffsetMs = () => deps.clockOffsetMs("records") ?? 0;
  const tables = config.records.tables.map(({ name }) => name);
  const [firstTable = ""] = tables;

  const rows = new Rows(store, tables);
  const queue = new Queue(store, { onCount: () => warnOfDepth() });
  const changes = new Changes({ rows, queue, clock, ids, systemId, clockOffsetMs });
  const conflicts = new Conflicts(store);
  const inbox = new RecordsInbox({
    store,
    clock,
    hub,
    warnings,
    rows,
    queue,
    changes,
    conflicts,
    tables,
    systemId,
    tombstoneDays,
  });
  const aDayAgo = () => instantOf(clock.now() - DAY_MS);
  const pruneQueue = store.db.prepare(
    `DELETE FROM sync_queue WHERE id IN (
       SELECT id FROM sync_queue WHERE synced_at < ? ORDER BY synced_at LIMIT 500)`,
  );
  const returns = store.db.prepare(
    "SELECT 1 FROM sync_conflicts WHERE at >= ? AND kind = 'delete/edit' LIMIT 1",
  );

  const warnOfDepth = () => {
    if (queue.waiting <= MAX_WAITING) return warnings.clear("records.waiting");
    warnings.raise(
      "records.waiting",
      `More than ${MAX_WAITING} changes of records wait for the cloud. See clockblock sync status`,
    );
  };

  const shownTables = (): RecordTable[] => {
    const waiting = queue.waitingByTable();
    const unseen = conflicts.unseenByTable();
    return config.records.tables.map(({ name, key = "id" }) => ({
      name,
      key,
      rows: rows.count(name),
      waiting: waiting.get(name) ?? 0,
      conflicts: unseen.get(name) ?? 0,
      changed_at: rows.changedAt(name),
    }));
  };

  return {
    name: "records",
    outbox: new RecordsOutbox({ store, queue, rows, inbox, tables }),
    inbox,
    schedule: {
      intervalMs: () => config.records.sync_interval_sec * 1_000,
      batchSize: MAX_CYCLE_CHANGES,
      roundSize: MAX_CYCLE_CHANGES,
    },
    routes: [
      ...recordRoutes({
        store,
        rows,
        changes,
        tables,
        shown: () => shownTables(),
        changed(table, record) {
          hub.publish("records", { table, record, origin: "local" });
        },
      }),
      ...conflictRoutes({ store, conflicts }),
    ],
    status: () => ({
      records: {
        waiting: queue.waiting,
        conflicts_24h: conflicts.countSince(aDayAgo()),
        conflicts_unseen: conflicts.unseenByTable().values().reduce((sum, each) => sum + each, 0),
        realtime: realtime(firstTable)?.connected ?? null,
        realtime_since: realtime(firstTable)?.since ?? null,
      },
    }),
    gauges() {
      const live = realtime(firstTable);
      return [
        {
          name: "records_conflicts_last_day",
          help: "Records that both sides had changed, in the last 24 hours.",
          value: conflicts.countSince(aDayAgo()),
        },
        ...(live === null ? [] : [{
          name: "records_realtime_connected",
          help: "1 while the cloud's change notifications are connected.",
          value: live.connected ? 1 : 0,
        }]),
      ];
    },
    prune(now: Instant): PruneResult {
      // Settled entries are kept for a day, for a person who looks for the history.
      const before = instantOf(msOf(now) - DAY_MS);
      const deleted = Number(pruneQueue.run(before).changes);
      conflicts.prune();
      if (!returns.get(before)) warnings.clear("records.restored");
      return { deleted, more: deleted === 500 };
    },
    reset: {
      loses: () => queue.waiting + store.rejected.count("records"),
      run: () =>
        store.write(() => {
          queue.clear();
          inbox.reset();
          rows.forgetAll();
        }),
    },
  };
}
