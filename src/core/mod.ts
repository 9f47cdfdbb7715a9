/** The agent's vocabulary: no I/O, and nothing here imports another room. @module */
export * from "./bell.ts";
export * from "./clock.ts";
export * from "./day.ts";
export * from "./every.ts";
export * from "./hub.ts";
export * from "./ids.ts";
export * from "./json.ts";
export * from "./log.ts";
export * from "./params.ts";
export * from "./parse.ts";
export * from "./problem.ts";
export * from "./remote.ts";
export * from "./route.ts";
export * from "./sse.ts";
export * from "./stream.ts";
export * from "./version.ts";
export * from "./warnings.ts";
