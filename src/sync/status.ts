/**
 * How the sync stands, in the words of the API. Counts are since the agent's start.
 * @module
 */
import * as v from "valibot";

const state = v.picklist([
  "disabled",
  "disconnected",
  "connecting",
  "connected",
  "syncing",
  "failed",
]);
const instant = v.nullable(v.string());
const count = v.number();

export const laneStatus = v.object({
  /** The stream that the lane pushes. */
  stream: v.picklist(["playtime", "events", "attendance", "records"]),
  state,
  /** Where it goes; null when no cloud is configured. */
  remote: v.nullable(v.string()),
  rows_waiting: count,
  oldest_waiting_at: instant,
  /** Rows in `sync_rejected`. */
  rows_rejected: count,
  last_attempt_at: instant,
  last_success_at: instant,
  next_attempt_at: instant,
  /** The newest failure, until something succeeds. */
  last_error: v.nullable(v.object({
    at: v.string(),
    status: v.nullable(v.number()),
    code: v.nullable(v.string()),
    message: v.string(),
    /** What a person has to do before it can go on; null when it will go on by itself. */
    advice: v.nullable(v.string()),
  })),
  failures_in_a_row: count,
  /** Of a request, the newer ones weighing more; null before the first. */
  mean_latency_ms: v.nullable(v.number()),
  requests: count,
  requests_failed: count,
  rows_pushed: count,
  rows_refused: count,
  rows_pulled: count,
  /**
   * How far the first reading of a table is, or one after the agent was away for longer than the cloud keeps deletions;
   * null otherwise.
   */
  reading: v.nullable(v.object({
    table: v.string(),
    rows: count,
    /** How many there are; null when the cloud did not say. */
    total: v.nullable(count),
    tables_done: count,
    tables: count,
  })),
});

export const syncStatus = v.object({
  /** The lane that is worst off. */
  state,
  /** Whether the engine runs: not while a command only looks at the database. */
  running: v.boolean(),
  /** By the newest evidence; null when no cloud is configured. */
  online: v.nullable(v.boolean()),
  /** The cloud's clock less this machine's; null when it was not compared. */
  clock_offset_ms: v.nullable(v.number()),
  /** The account that rows are sent for, where people sign in to a cloud; null before the first request. */
  signed_in_as: v.nullable(v.string()),
  lanes: v.array(laneStatus),
});

export type SyncState = v.InferOutput<typeof state>;
export type LaneStatus = v.InferOutput<typeof laneStatus>;
export type SyncStatus = v.InferOutput<typeof syncStatus>;

/** From worst to best; what is going on counts more than what is at rest. */
const ORDER: readonly SyncState[] = [
  "failed",
  "disconnected",
  "connecting",
  "syncing",
  "connected",
  "disabled",
];

/** The state of the whole: that of the lane that is worst off. */
export function worst(states: readonly SyncState[]): SyncState {
  return ORDER.find((each) => states.includes(each)) ?? "disabled";
}
