/** The records stream's door. @module */
export { joins, migrations } from "./migrations.ts";
export type { FlatRecord } from "./record.ts";
export {
  createRecords,
  type RecordsConfig,
  type RecordsDeps,
  type RecordsStream,
} from "./stream.ts";
