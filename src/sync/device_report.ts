/**
 * This machine's row in the cloud's table `devices`: what a fleet's page shows of it. Written at the start, when it has
 * changed, and every five minutes, which distinguishes a silent machine from one where nothing happens.
 * @module
 */
import {
  type Clock,
  Deadline,
  every,
  type Id,
  instantOf,
  type Remote,
  type Row,
  type Stream,
  version,
  type Warnings,
} from "../core/mod.ts";
import type { SyncStatus } from "../contract/sync.ts";
import { succeeds } from "./errors.ts";

export interface DeviceReportOptions {
  remote: Remote;
  /** The row as it is now; a change of `waiting` or `last_seen` alone is not reported early. */
  describe(): Row;
  clock: Clock;
  random: () => number;
  warnings: Warnings;
  timeoutMs: number;
}

/** How often the row is compared, and the least time between two writes. */
const COMPARE_MS = 60_000;
const REPORT_MS = 5 * 60_000;
const GRACE_MS = 500;
const CODE = "sync.devices";

/** Reports until the signal aborts. */
export async function reportDevice(
  { remote, describe, clock, random, warnings, timeoutMs }: DeviceReportOptions,
  signal: AbortSignal,
): Promise<void> {
  let reported = "";
  let pushedMs = -Infinity;
  // Up to a tenth longer, so that the machines of a fleet spread out.
  const compareMs = COMPARE_MS * (1 + random() / 10);
  await every(compareMs, async () => {
    const passedMs = clock.monotonic() - pushedMs;
    // A run that was late makes the next one early.
    if (passedMs < COMPARE_MS) return;
    const row = describe();
    const state = reportedState(row);
    if (state === reported && passedMs < REPORT_MS - compareMs / 2) return;
    pushedMs = clock.monotonic();
    using deadline = new Deadline({ ms: timeoutMs, signal, graceMs: GRACE_MS, clock });
    const batch = {
      stream: "playtime",
      table: "devices",
      operation: "update",
      rows: [row],
    } as const;
    const push = deadline.limit(remote.push(batch, { signal: deadline.signal }));
    if (await succeeds(push, { what: "This machine's row", code: CODE, warnings })) {
      reported = state;
    }
  }, { signal, name: CODE, clock });
}

function reportedState({ waiting: _, last_seen: __, ...row }: Row): string {
  return JSON.stringify(row);
}

/** The row. */
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
