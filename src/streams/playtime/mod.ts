/** The playtime stream's door. @module */
export type { Allowance, Weekday } from "./allowance.ts";
export { type Candidate, candidates } from "./candidates.ts";
export type { Heartbeat, StoredHeartbeat } from "./heartbeats.ts";
export type { Matcher, ProcessName } from "./matchers.ts";
export { joins, migrations } from "./migrations.ts";
export type { Process, ProcessLister } from "./processes/mod.ts";
export { raiseDays, type RecomputeResult } from "./recompute.ts";
export { type Rename, renameDays } from "./rename.ts";
export type { Rollup } from "./rollups.ts";
export {
  createPlaytime,
  type PlaytimeConfig,
  type PlaytimeDeps,
  type PlaytimeStatus,
  type PlaytimeStream,
} from "./stream.ts";
