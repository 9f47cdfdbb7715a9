/** Every stream the agent has. A new one is a folder beside this file and an entry of `STREAMS`. @module */
import type { Clock, Migration, Remote, Stream, StreamName } from "../core/mod.ts";
import type { Join, RecoveryOptions, Store, StreamDeps } from "../store/mod.ts";
import * as attendance from "./attendance/mod.ts";
import * as events from "./events/mod.ts";
import * as playtime from "./playtime/mod.ts";
import type { ProcessLister } from "./playtime/mod.ts";
import * as records from "./records/mod.ts";

export { syncBatch } from "./attendance/mod.ts";
export { candidates as runningProcesses } from "./playtime/mod.ts";
export type { ProcessLister };

/** The keys of the configuration that the streams read. */
export type StreamsConfig =
  & playtime.PlaytimeConfig
  & events.EventsConfig
  & attendance.AttendanceConfig
  & records.RecordsConfig;

/** What the agent gives every stream; tests replace the process lister. */
export type StreamsDeps = Omit<StreamDeps, "cloud" | "twoWay" | "logEvent"> & {
  lister?: ProcessLister | undefined;
};

interface StreamEntry {
  name: StreamName;
  migrations: readonly Migration[];
  /** How its tables take in rows of a damaged database. */
  joins: readonly Join[];
  create(deps: StreamsDeps & StreamDeps, config: StreamsConfig): Stream;
  /** Called before any stream is created. */
  prepare?(deps: StreamsDeps): Promise<void>;
  /** Corrects sums after a restore of the database, before anything new is recorded. */
  correctSums?(
    store: Store,
    config: StreamsConfig,
    options: { clock: Clock; signal: AbortSignal },
  ): Promise<unknown>;
  /** Skips numbers of lost rows; called inside the last `write` of a restore. */
  skipNumbers?(store: Store): void;
}

const STREAMS: readonly StreamEntry[] = [{
  name: "playtime",
  migrations: playtime.migrations,
  joins: playtime.joins,
  create: playtime.createPlaytime,
  prepare: ({ store, deviceId, formerDeviceIds }) =>
    playtime.renameDays(store, { before: formerDeviceIds, id: deviceId }),
  correctSums: (store, config, options) =>
    playtime.raiseDays(store, {
      ...options,
      allowance: config.daily_allowance_min,
      labelOf: playtime.gameLabeller(config.process_name),
    }),
}, {
  name: "events",
  migrations: events.migrations,
  joins: events.joins,
  create: events.createEvents,
  skipNumbers: events.skipSeqAfterRestore,
}, {
  name: "attendance",
  migrations: attendance.migrations,
  joins: attendance.joins,
  create: attendance.createAttendance,
}, {
  name: "records",
  migrations: records.migrations,
  joins: records.joins,
  create: records.createRecords,
}];

/** @param remotes where each stream's rows go; null: nowhere */
export async function createStreams(
  deps: StreamsDeps,
  config: StreamsConfig,
  remotes: Readonly<Record<StreamName, Remote | null>>,
): Promise<Stream[]> {
  for (const { prepare } of STREAMS) await prepare?.(deps);
  const logEvent: StreamDeps["logEvent"] = (event) =>
    streams.find(({ log }) => log !== undefined)?.log?.(event);
  const streams: Stream[] = STREAMS.map(({ name, create }) => {
    const remote = remotes[name];
    const cloud = { cloud: remote !== null, twoWay: remote?.pull !== undefined };
    return create({ ...deps, ...cloud, logEvent }, config);
  });
  return streams;
}

export const migrations: readonly Migration[] = STREAMS.flatMap((stream) => stream.migrations);

/** What the streams do after a restore of the database. */
export function afterRestore(
  config: StreamsConfig,
  clock: Clock,
): Required<Pick<RecoveryOptions, "joins" | "afterRestore">> {
  return {
    joins: STREAMS.flatMap(({ joins }) => joins),
    afterRestore: {
      async recompute(store, { signal }) {
        for (const { correctSums } of STREAMS) {
          await correctSums?.(store, config, { clock, signal });
        }
      },
      skipNumbers(store) {
        for (const { skipNumbers } of STREAMS) skipNumbers?.(store);
      },
    },
  };
}
