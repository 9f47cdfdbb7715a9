/** The events stream's door. @module */
export {
  createEventsStream,
  type EventNews,
  type EventsOptions,
  type EventsStatus,
  type EventsStream,
} from "./stream.ts";
export { migrations } from "./migrations.ts";
export { type ActiveHours, flushIntervalMs, type FlushTimes } from "./schedule.ts";
