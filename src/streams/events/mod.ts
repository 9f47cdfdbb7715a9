/** The events stream's door. @module */
export { createEvents, type EventsConfig, type EventsStatus, type EventsStream } from "./stream.ts";
export type { EventNews } from "./news.ts";
export { leapSeq } from "./leap.ts";
export { joins, migrations } from "./migrations.ts";
