/** This machine as the page of a fleet shows it: a row of the cloud's table `devices`. @module */
import { type Clock, type Id, instantOf, type Row, type Stream, version } from "../core/mod.ts";
import type { SyncStatus } from "./status.ts";

export function deviceRow(
  { deviceId, streams, sync, clock }: {
    deviceId: Id;
    streams: readonly Stream[];
    sync: SyncStatus;
    clock: Clock;
  },
): Row {
  const error = sync.lanes.find(({ last_error }) => last_error)?.last_error;
  return {
    id: deviceId,
    device_id: deviceId,
    name: hostName() ?? deviceId,
    version,
    ...Object.assign({}, ...streams.map((stream) => stream.deviceColumns?.())),
    waiting: Object.fromEntries(
      sync.lanes.map(({ stream, rows_waiting }) => [stream, rows_waiting]),
    ),
    last_error: error ? error.message : null,
    last_seen: instantOf(clock.now()),
  };
}

/** Undefined where the permission is missing. */
function hostName(): string | undefined {
  try {
    return Deno.hostname();
  } catch {
    return undefined;
  }
}
