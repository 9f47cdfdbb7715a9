/**
 * Applies rows of the cloud to this machine's versions; rows and cursor in one transaction.
 *
 * The cloud purges old tombstones. An agent that was offline for longer reads a table from its beginning and then removes
 * the records that it has not met: they are deleted in the cloud.
 * @module
 */
import {
  type ApplyResult,
  type Clock,
  type Cursor,
  type Hub,
  type Inbox,
  type Instant,
  instantOf,
  logger,
  msOf,
  type Page,
  type Reading,
  type Row,
  type Warnings,
} from "../../core/mod.ts";
import type { Statement, Store } from "../../store/mod.ts";
import type { Changes } from "./changes.ts";
import type { Conflicts } from "./conflicts.ts";
import type { Queue } from "./queue.ts";
import { flat, ownFields, type RecordVersion } from "./record.ts";
import { afterRefusal, isEcho, type LocalRecord, resolve, sameContent } from "./resolve.ts";
import { READING, type Rows } from "./rows.ts";

export interface RecordsInboxOptions {
  store: Store;
  clock: Clock;
  hub: Hub;
  warnings: Warnings;
  rows: Rows;
  queue: Queue;
  changes: Changes;
  conflicts: Conflicts;
  tables: readonly string[];
  systemId: string;
  /** Days that the cloud keeps tombstones. */
  tombstoneDays: number;
}

const DAY_MS = 86_400_000;

export class RecordsInbox implements Inbox {
  readonly tables: readonly string[];
  readonly #options: RecordsInboxOptions;
  readonly #cursor: Statement;
  readonly #setCursor: Statement;
  readonly #rereads: Statement;
  /** Stores when a page of a table was last applied. */
  readonly #setRead: Statement;

  constructor(options: RecordsInboxOptions) {
    const { store: { db }, tables } = options;
    this.#options = options;
    this.tables = tables;
    this.#cursor = db.prepare(
      "SELECT updated_at, row_id FROM sync_cursors WHERE table_name = ?",
    );
    this.#setCursor = db.prepare(
      `INSERT INTO sync_cursors (table_name, updated_at, row_id) VALUES (?, ?, ?)
       ON CONFLICT (table_name) DO UPDATE SET updated_at = excluded.updated_at, row_id = excluded.row_id`,
    );
    this.#rereads = db.prepare("SELECT key, value FROM meta WHERE key >= ? AND key < ?");
    this.#setRead = db.prepare(
      `INSERT INTO meta (key, value) VALUES ('records.read.' || ?1, ?2)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    );
  }

  cursor(table: string): Cursor | null {
    const row = this.#cursor.get(table);
    if (!row || this.#isOutdated(table)) return null;
    return { updatedAt: String(row.updated_at), id: String(row.row_id) };
  }

  /** Whether the cloud may have purged tombstones since the last pull. */
  #isOutdated(table: string): boolean {
    const { clock, store, tombstoneDays } = this.#options;
    const readAt = store.meta(`records.read.${table}`);
    // A time far in the future is from a wrong clock: when the table was read is unknown.
    return readAt !== undefined &&
      Math.abs(clock.now() - msOf(readAt as Instant)) > tombstoneDays * DAY_MS;
  }

  /** Makes the next pull read every table from its beginning. Called inside a write. */
  reset(): void {
    const { db } = this.#options.store;
    // Prepared, because errors of `exec` do not carry SQLite's result code.
    db.prepare("DELETE FROM sync_cursors").run();
    db.prepare("DELETE FROM meta WHERE key GLOB ?").run(rereadKey("*"));
  }

  apply(page: Page): ApplyResult {
    const { store, clock } = this.#options;
    const { table, rows, cursor, more } = page;
    const at = instantOf(clock.now());
    let begun = this.#rereadOf(table);
    // An empty table in the cloud has no cursor; its records here may be removed in part.
    const clearing = begun?.clearedTo !== undefined && !this.#isOutdated(table);
    if (this.cursor(table) === null && !clearing) begun = this.#begin(page);
    if (begun) {
      const progress: FullReread = { ...begun, rows: begun.rows + rows.length };
      store.setMeta(rereadKey(table), JSON.stringify(progress));
    }
    const result = { applied: 0, conflicts: 0 };
    for (const row of rows) this.#take(table, { row, at, result });
    if (cursor) this.#setCursor.run(table, cursor.updatedAt, cursor.id);
    this.#setRead.run(table, at);
    this.#warnOfUnstamped(page);
    return { ...result, more: !more && !this.#finishReread(table) };
  }

  reading(): Reading | null {
    const [entry] = this.#rereads.all(rereadKey(""), rereadKey("\u{10ffff}"));
    if (!entry) return null;
    const table = String(entry.key).slice(rereadKey("").length);
    const { rows, total } = parseReread(String(entry.value));
    const done = this.tables.filter((each) => each !== table && this.cursor(each) !== null);
    return {
      table,
      rows,
      // Rows may have been added since the count.
      total: total === null ? null : Math.max(total, rows),
      tables_done: done.length,
      tables: this.tables.length,
    };
  }

  /** Begins a reading at a table's first page. */
  #begin({ table, total = null }: Page): FullReread {
    const { tombstoneDays, store } = this.#options;
    if (this.#cursor.get(table)) {
      logger("records").info(
        "Was away from the cloud for more than {days} days: reads {table} from its beginning",
        { days: tombstoneDays, table },
      );
    }
    const number = Number(store.meta(READING) ?? 0) + 1;
    store.setMeta(READING, String(number));
    return { number, rows: 0, total };
  }

  #rereadOf(table: string): FullReread | undefined {
    const value = this.#options.store.meta(rereadKey(table));
    return value === undefined ? undefined : parseReread(value);
  }

  /**
   * Takes the version that the cloud kept when it refused a pushed change: it was written later than the last pull.
   * @param entry the pushed queue entry; a later change that replaced it still waits
   */
  yieldTo(table: string, row: Row, { at, entry }: { at: Instant; entry: number }): void {
    const open = this.#options.queue.find(table, row.id);
    this.#take(table, {
      row,
      at,
      result: { applied: 0, conflicts: 0 },
      refused: open?.id === entry,
    });
  }

  #take(
    table: string,
    { row, at, result, refused = false }: {
      row: Row;
      at: Instant;
      result: { applied: number; conflicts: number };
      /** Whether the cloud refused the waiting change and kept this row. */
      refused?: boolean;
    },
  ): void {
    const { rows, queue, changes, conflicts, systemId } = this.#options;
    const remote = versionOf(row);
    if (remote.systemId !== systemId) return;
    const local = rows.find(table, remote.id);
    const { action, conflict } = refused ? afterRefusal(local!, remote) : resolve(local, remote);
    const seen = { syncedAt: at, remoteUpdatedAt: remote.updatedAt };
    switch (action) {
      case "same":
        if (refused) queue.drop(table, remote.id);
        this.#agree(table, {
          local: { ...local!, pending: local!.pending && !refused },
          remote,
          at,
        });
        break;
      case "apply":
        queue.drop(table, remote.id);
        rows.save(table, remote, { before: local, ...seen });
        result.applied++;
        this.#announce(table, remote);
        break;
      case "push":
        changes.assert(table, local!, { over: remote.updatedAt });
        rows.agree(table, remote.id, { at, on: remote.updatedAt });
        break;
      case "keep":
        rows.agree(table, remote.id, { at, on: remote.updatedAt });
    }
    if (!conflict) return;
    result.conflicts++;
    conflicts.add({
      at,
      table,
      record_id: remote.id,
      ...conflict,
      local_updated_at: local!.updatedAt,
      remote_updated_at: remote.updatedAt,
      local: flat(local!),
      remote: flat(remote),
    });
    if (conflict.kind === "delete/edit") this.#warnOfReturn(table, remote.id);
  }

  /** The cloud has this machine's version. */
  #agree(
    table: string,
    { local, remote, at }: { local: LocalRecord; remote: RecordVersion; at: Instant },
  ): void {
    const { rows, queue } = this.#options;
    // A push whose answer was lost has arrived.
    const came = local.pending && local.updatedAt === remote.updatedAt;
    if (came) queue.drop(table, remote.id);
    // The cloud may have changed the stamp or added defaults; later rows are compared with that version.
    if ((came || !local.pending) && (sameContent(local, remote) || isEcho(local, remote))) {
      rows.save(table, remote, {
        before: local,
        syncedAt: at,
        remoteUpdatedAt: remote.updatedAt,
      });
    } else rows.agree(table, remote.id, { at, on: remote.updatedAt });
  }

  /**
   * After the last page: removes, a part of the table per call, the records that the reading has not met.
   * @returns whether the reading is finished
   */
  #finishReread(table: string): boolean {
    const { store, rows } = this.#options;
    const reread = this.#rereadOf(table);
    if (!reread) return true;
    const clearedTo = rows.removeUnmet(table, { reading: reread.number, after: reread.clearedTo });
    if (clearedTo === undefined) {
      store.db.prepare("DELETE FROM meta WHERE key = ?").run(rereadKey(table));
      return true;
    }
    store.setMeta(rereadKey(table), JSON.stringify({ ...reread, clearedTo }));
    return false;
  }

  #announce(table: string, version: RecordVersion): void {
    const { store, hub } = this.#options;
    const message = { table, record: flat(version), origin: "cloud" };
    store.afterCommit(() => hub.publish("records", message));
  }

  #warnOfUnstamped({ table, unstamped }: Page): void {
    if (typeof unstamped !== "number") return;
    const { store, warnings } = this.#options;
    const code = `records.unstamped.${table}`;
    store.afterCommit(() =>
      unstamped === 0 ? warnings.clear(code) : warnings.raise(
        code,
        `${unstamped} rows of ${table} have no valid received_at in the cloud, so they are not read. ` +
          `Run there: select clockblock_records('${table}')`,
      )
    );
  }

  #warnOfReturn(table: string, id: string): void {
    const { store, warnings } = this.#options;
    store.afterCommit(() =>
      warnings.raise(
        "records.restored",
        `${table} "${id}" was deleted here and edited in the cloud: it is back. See clockblock sync conflicts`,
      )
    );
  }
}

/** A reading of a table from its beginning: its number, and its progress. */
interface FullReread {
  number: number;
  rows: number;
  total: number | null;
  /** After the last page: the id up to which unmet records are removed. */
  clearedTo?: string;
}

function parseReread(value: string): FullReread {
  // Written by this file.
  return JSON.parse(value) as FullReread;
}

function rereadKey(table: string): string {
  return `records.anew.${table}`;
}

/** A row of the cloud as a version: its stamps may have microseconds or an offset. */
function versionOf(row: Row): RecordVersion {
  return {
    id: String(row.id),
    systemId: String(row.system_id),
    data: ownFields(row),
    updatedAt: instantOf(msOf(String(row.updated_at))),
    deletedAt: typeof row.deleted_at === "string" ? instantOf(msOf(row.deleted_at)) : null,
  };
}
