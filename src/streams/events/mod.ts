/** The events stream's door. @module */
export { createEvents, type EventsConfig, type EventsStatus, type EventsStream } from "./stream.ts";
export type { EventNews } from "./news.ts";
export { skipSeqAfterRestore } from "./skip_seq.ts";
export { joins, migrations } from "./migrations.ts";
