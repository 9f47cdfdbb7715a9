/**
 * The queue as an outbox: deletes, then updates, then inserts, parents before children (deletes: children first). Entries
 * that failed come after those that did not: a child without its parent does not block the parent.
 * @module
 */
import type { Attempt, Id, Instant, Outbox, OutboxBatch, Rejection, Row } from "../../core/mod.ts";
import type { Rejected, Store } from "../../store/mod.ts";
import { type Entry, type Operation, type Queue, rowId } from "./queue.ts";
import type { RecordsInbox } from "./inbox.ts";
import type { Rows } from "./rows.ts";

export interface RecordsOutboxOptions {
  store: Store;
  queue: Queue;
  rows: Rows;
  inbox: Pick<RecordsInbox, "yieldTo">;
  /** Parents before children. */
  tables: readonly string[];
}

const NONE: ReadonlySet<string> = new Set();

const SENT_AS = { DELETE: "delete", UPDATE: "update", INSERT: "insert" } as const;

export class RecordsOutbox implements Outbox {
  readonly #rejected: Rejected;
  readonly #queue: Queue;
  readonly #rows: Rows;
  readonly #inbox: Pick<RecordsInbox, "yieldTo">;
  readonly #phases: readonly { operation: Operation; table: string }[];
  readonly tables: readonly string[];
  /** The batch being sent, by record id: a batch has one table. */
  #offered = new Map<Id, Entry>();
  #offeredTable = "";

  constructor({ store, queue, rows, inbox, tables }: RecordsOutboxOptions) {
    this.#inbox = inbox;
    this.#rejected = store.rejected;
    this.#queue = queue;
    this.#rows = rows;
    this.tables = tables;
    this.#phases = [
      ...tables.toReversed().map((table) => ({ operation: "DELETE" as const, table })),
      ...tables.map((table) => ({ operation: "UPDATE" as const, table })),
      ...tables.map((table) => ({ operation: "INSERT" as const, table })),
    ];
  }

  pending(limit: number, { skip = NONE }: { skip?: ReadonlySet<string> } = {}): OutboxBatch {
    const level = this.#queue.level(skip);
    for (const { operation, table } of level === undefined ? [] : this.#phases) {
      if (skip.has(table)) continue;
      const entries = this.#queue.next(operation, table, { level: level ?? 0, limit });
      if (entries.length === 0) continue;
      this.#queue.offer(entries);
      this.#offered = new Map(entries.map((entry) => [entry.recordId, entry]));
      this.#offeredTable = table;
      const rows: Row[] = entries.map(({ record }) => record);
      return { stream: "records", table, operation: SENT_AS[operation], rows };
    }
    return { stream: "records", table: this.tables[0] ?? "", operation: "insert", rows: [] };
  }

  settle(ids: readonly Id[], at: Instant): void {
    const table = this.#offeredTable;
    for (const id of ids) {
      const entry = this.#offered.get(id);
      if (!entry) continue;
      this.#queue.settle(entry.id, at);
      // Also with a later change waiting: the cloud has this version now.
      this.#rows.agree(table, id, { at, on: entry.record.updated_at });
    }
    this.#rejected.accepted("records", ids.map((id) => rowId(table, id)));
  }

  yieldTo(rows: readonly Row[], at: Instant): void {
    const table = this.#offeredTable;
    for (const row of rows) {
      const entry = this.#offered.get(row.id);
      if (entry) this.#inbox.yieldTo(table, row, { at, entry: entry.id });
    }
    this.#rejected.accepted("records", rows.map(({ id }) => rowId(table, id)));
  }

  reject(rejections: readonly Rejection[], at: Instant): void {
    const table = this.#offeredTable;
    for (const rejection of rejections) {
      const entry = this.#offered.get(rejection.id);
      if (!entry || !this.#queue.setRejected(entry.id, at)) continue;
      // `sync_rejected` has the rows of all tables; ids are unique only in theirs.
      const row = { ...entry.record, id: rowId(table, entry.recordId) };
      this.#rejected.keep("records", { table, row, rejection, at });
    }
  }

  readmit(ids: readonly Id[]): void {
    for (const id of ids) {
      const open = this.#openEntry(id);
      if (!open?.rejected || !this.#rejected.readmit("records", id)) continue;
      this.#queue.setRejected(open.id, null);
    }
  }

  discard(ids: readonly Id[]): void {
    for (const id of ids) {
      const { table, recordId } = parseRowId(id);
      if (this.#openEntry(id)?.rejected) this.#queue.drop(table, recordId);
    }
  }

  depth(): { rows: number; oldest: Instant | null } {
    return { rows: this.#queue.waiting, oldest: this.#queue.oldest() };
  }

  attempted({ status, batch }: Attempt): undefined {
    // A settled entry is not tried again.
    if (status === "ok") return;
    for (const { id } of batch.rows) {
      const entry = this.#offered.get(id);
      if (entry) this.#queue.retried(entry.id);
    }
  }

  #openEntry(id: string): { id: number; rejected: boolean } | undefined {
    const { table, recordId } = parseRowId(id);
    return this.#queue.find(table, recordId);
  }
}

/** A table's name has no slash; a record's id may. */
function parseRowId(id: string): { table: string; recordId: string } {
  const slash = id.indexOf("/");
  return { table: id.slice(0, slash), recordId: id.slice(slash + 1) };
}
