/** The store's door. @module */
export { type BackupOptions, backupTo } from "./backup.ts";
export { type BackupFile, listBackups } from "./backups.ts";
export type { WriteOptions } from "./commit_queue.ts";
export type { Database, Statement } from "./database.ts";
export { DatabaseFileWatch, type Displacements } from "./database_file_watch.ts";
export { findDamage, type InspectOptions, peekMeta } from "./inspect.ts";
export { type Lock, lockedBy } from "./lock.ts";
export { maintain, type MaintainOptions } from "./maintain.ts";
export { type Join } from "./join.ts";
export { finishRepair, openStore, repairOf, warnOfRepair } from "./open.ts";
export { refuseForeignFile } from "./ownership.ts";
export { isWritableFile } from "./place.ts";
export { retention, type RetentionOptions } from "./retention.ts";
export { Rejected, type RejectedRow, type RejectedText } from "./rejected.ts";
export { damagedFiles, noteSuspicion, type Repair } from "./repair.ts";
export { RowCounter, type RowCounterOptions } from "./row_counter.ts";
export { salvage, type Salvaged, type SalvageOptions } from "./salvage.ts";
export { inSlices, sliceBudget, type SliceOptions } from "./slices.ts";
export { Store, type StoreOptions } from "./store.ts";
export type { StreamDeps } from "./stream_deps.ts";
export {
  databaseFailure,
  type Holder,
  StoreError,
  type StoreErrorKind,
  storeErrorKind,
} from "./store_error.ts";
export {
  type RawRow,
  type TableOutbox,
  tableOutbox,
  type TableOutboxOptions,
} from "./table_outbox.ts";
export { type Examination, examine, type Finding } from "./worker.ts";
