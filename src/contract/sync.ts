/** What `/sync/*` answers and accepts, and the lane status that `/status` and `/stream` show as well. @module */
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
  /** The newest failure, until a request succeeds. */
  last_error: v.nullable(v.object({
    at: v.string(),
    status: v.nullable(v.number()),
    code: v.nullable(v.string()),
    message: v.string(),
    /** What a person has to do before sync can continue; null when it continues by itself. */
    advice: v.nullable(v.string()),
  })),
  failures_in_a_row: count,
  /** Moving average over requests; null before the first. */
  mean_latency_ms: v.nullable(v.number()),
  /** This count and those below are since the agent's start. */
  requests: count,
  requests_failed: count,
  rows_pushed: count,
  rows_refused: count,
  rows_pulled: count,
  /**
   * Progress of the first read of a table, or of one after the agent was away for longer than the cloud keeps
   * deletions; null otherwise.
   */
  reading: v.nullable(v.object({
    table: v.string(),
    rows: count,
    /** How many there are; null when the cloud did not report it. */
    total: v.nullable(count),
    tables_done: count,
    tables: count,
  })),
});

export const syncStatus = v.object({
  /** That of the lane in the worst state. */
  state,
  /** Whether the engine runs: not while a command only reads the database. */
  running: v.boolean(),
  /** By the newest evidence; null when no cloud is configured. */
  online: v.nullable(v.boolean()),
  /** The cloud's clock less this machine's; null when it was not compared. */
  clock_offset_ms: v.nullable(v.number()),
  /** The account that rows are sent for, where people sign in to a cloud; null before the first request. */
  signed_in_as: v.nullable(v.string()),
  lanes: v.array(laneStatus),
});

/** What `POST /sync/now` answers; `done` is false while it continues. */
export const syncNowResult = v.object({ done: v.boolean(), sync: syncStatus });

/** A row that the cloud refused, and why. */
export const rejectedRow = v.object({
  stream: v.string(),
  table: v.string(),
  id: v.string(),
  row: v.looseObject({ id: v.string() }),
  status: v.nullable(v.number()),
  code: v.nullable(v.string()),
  message: v.string(),
  attempts: v.number(),
  first_at: v.string(),
  last_at: v.string(),
});

export const readmitted = v.object({ readmitted: v.number() });
export const discarded = v.object({ discarded: v.number() });

export type SyncState = v.InferOutput<typeof state>;
export type LaneStatus = v.InferOutput<typeof laneStatus>;
export type SyncStatus = v.InferOutput<typeof syncStatus>;
export type RejectedRow = v.InferOutput<typeof rejectedRow>;
