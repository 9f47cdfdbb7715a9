/** The playtime stream's door. @module */
export { joins, migrations } from "./migrations.ts";
export { candidates } from "./processes/candidates.ts";
export { gameLabeller } from "./processes/matchers.ts";
export type { Process, ProcessLister } from "./processes/mod.ts";
export { raiseDays } from "./recompute.ts";
export { renameDays } from "./rename.ts";
export {
  createPlaytime,
  type PlaytimeConfig,
  type PlaytimeDeps,
  type PlaytimeStream,
} from "./stream.ts";
