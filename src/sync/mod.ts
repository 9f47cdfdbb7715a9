/** The sync engine's door. @module */
export { type LaneSetup, SyncEngine, type SyncEngineOptions } from "./engine.ts";
export { syncRoutes } from "./routes.ts";
