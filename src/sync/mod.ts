/** The sync engine's door. @module */
export { type LaneSetup, SyncEngine } from "./engine.ts";
export { syncRoutes } from "./routes.ts";
