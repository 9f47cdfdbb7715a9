/** The sync engine's door. @module */
export { backoffMs, jitteredMs, retryAfterFloorMs } from "./backoff.ts";
export { type Action, classify, type Facts, type Verdict } from "./classify.ts";
