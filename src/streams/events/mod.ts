/** The events stream's door. @module */
export {
  createEventsStream,
  type EventsOptions,
  type EventsStatus,
  type EventsStream,
} from "./stream.ts";
export type { EventNews } from "./news.ts";
export { leapSeq } from "./leap.ts";
export { joins, migrations } from "./migrations.ts";
export { type ActiveHours, flushIntervalMs, type FlushTimes } from "./schedule.ts";
