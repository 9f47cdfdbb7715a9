/** The sync engine's door. @module */
export { backoffMs, jitteredMs, retryAfterFloorMs } from "./backoff.ts";

export { deviceRow } from "./device_row.ts";
export { type LaneSetup, SyncEngine, type SyncEngineOptions } from "./engine.ts";
export type { NetworkInterface } from "./network.ts";
export {
  type LaneStatus,
  laneStatus,
  type SyncState,
  type SyncStatus,
  syncStatus,
} from "./status.ts";
