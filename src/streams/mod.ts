/** Every stream the agent has. A new one is a folder beside this file and a line here. @module */
export * as attendance from "./attendance/mod.ts";
export * as events from "./events/mod.ts";
export * as playtime from "./playtime/mod.ts";
export * as records from "./records/mod.ts";
