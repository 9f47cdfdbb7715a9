/** The events stream's door. @module */
export { type EventNews, type EventsOptions, createEventsStream } from "./stream.ts";
export { migrations } from "./migrations.ts";
export { type ActiveHours, flushIntervalMs, type FlushTimes } from "./schedule.ts";
