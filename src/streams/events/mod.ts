/** The events stream's door. @module */
export { createEvents, type EventsConfig, type EventsStream } from "./stream.ts";
export { skipSeqAfterRestore } from "./skip_seq.ts";
export { joins, migrations } from "./migrations.ts";
