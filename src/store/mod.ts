/** The store's door. @module */
export { type BackupOptions, backupTo } from "./backup/backup.ts";
export { type BackupFile, listBackups } from "./backup/backups.ts";
export type { WriteOptions } from "./commit_queue.ts";
export { type Cells, type Database, prepareCells, type Statement } from "./database.ts";
export { DatabaseFileWatch, type Displacements } from "./recovery/database_file_watch.ts";
export { findDamage, type InspectOptions, peekMeta } from "./recovery/inspect.ts";
export { type Lock, lockedBy } from "./lock.ts";
export { maintain, type MaintainOptions } from "./maintain.ts";
export { type Join } from "./recovery/join.ts";
export { type AfterRestore, openRecovered, type RecoveryOptions } from "./recovery/recovery.ts";
export { refuseForeignFile } from "./recovery/ownership.ts";
export { isWritableFile } from "./database_path.ts";
export { retention, type RetentionOptions } from "./outbox/retention.ts";
export { Rejected, type RejectedRow, type RejectedText } from "./outbox/rejected.ts";
export { damagedFiles } from "./recovery/aside.ts";
export { noteSuspicion } from "./recovery/journal.ts";
export { RowCounter, type RowCounterOptions } from "./outbox/row_counter.ts";
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
} from "./outbox/table_outbox.ts";
