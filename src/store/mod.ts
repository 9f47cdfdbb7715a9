/** The store's door. @module */
export { backupTo } from "./backup/backup.ts";
export { type BackupFile, listBackups } from "./backup/backups.ts";
export type { WriteOptions } from "./commit_queue.ts";
export {
  type Cells,
  type CellsStatement,
  type Database,
  LIMIT,
  prepareCells,
  type Statement,
} from "./database.ts";
export { isWritableFile } from "./database_path.ts";
export { isFile, statOf } from "./files.ts";
export { lockedBy } from "./lock.ts";
export { maintain } from "./maintain.ts";
export { type JoinedOutbox, joinedOutbox } from "./outbox/joined_outbox.ts";
export { Rejected, type RejectedText } from "./outbox/rejected.ts";
export { retention } from "./outbox/retention.ts";
export { RowCounter } from "./outbox/row_counter.ts";
export { type RawRow, type TableOutbox, tableOutbox } from "./outbox/table_outbox.ts";
export { damagedFiles } from "./recovery/aside.ts";
export { DatabaseFileWatch, type Displacements } from "./recovery/database_file_watch.ts";
export { findDamage, peekMeta } from "./recovery/inspect.ts";
export type { Join } from "./recovery/join.ts";
export { noteSuspicion } from "./recovery/journal.ts";
export { refuseForeignFile } from "./recovery/ownership.ts";
export { openRecovered, type RecoveryOptions } from "./recovery/recovery.ts";
export { afterIo, inSlices, sliceBudget } from "./slices.ts";
export { Store } from "./store.ts";
export { type Holder, StoreError, type StoreErrorKind, storeErrorKind } from "./store_error.ts";
export type { StreamDeps } from "./stream_deps.ts";
