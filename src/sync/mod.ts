/** The sync engine's door. @module */
export { deviceRow } from "./device_report.ts";
export { type LaneSetup, SyncEngine, type SyncEngineOptions } from "./engine.ts";
export { syncRoutes } from "./routes.ts";
