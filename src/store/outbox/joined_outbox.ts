/**
 * Several tables of one stream as one outbox, each on its way to its own table of the cloud. What waits in an earlier
 * table goes first; one that cannot be pushed to does not stop the others.
 * @module
 */
import type { Id, Outbox, OutboxBatch, StreamName } from "../../core/mod.ts";
import type { Store } from "../store.ts";
import type { TableOutbox } from "./table_outbox.ts";

export interface JoinedOutboxOptions {
  stream: StreamName;
  /** In the order of their turn: the largest last, since rows of the others are remembered while they are in flight. */
  parts: readonly TableOutbox[];
}

export interface JoinedOutbox extends Outbox {
  readonly tables: readonly string[];
  /** Resolves once `depth` knows every row. */
  readonly counted: Promise<unknown>;
}

const NONE: ReadonlySet<string> = new Set();

export function joinedOutbox(store: Store, { stream, parts }: JoinedOutboxOptions): JoinedOutbox {
  const first = parts.slice(0, -1);
  const last = parts.at(-1)!;
  /** Rows that were given out and not settled since, of all parts but the last. */
  const offered = new Map<Id, TableOutbox>();
  let skipped = NONE;

  const offeredOf = (part: TableOutbox) =>
    offered.values().reduce((count, each) => count + (each === part ? 1 : 0), 0);
  /** The batch after the first rows that wait; each table counts its own. */
  const next = (given: number, limit: number): OutboxBatch => {
    for (const part of first) {
      if (part.tables.some((table) => skipped.has(table))) continue;
      const batch = part.pendingAfter!(offeredOf(part), limit);
      for (const { id } of batch.rows) offered.set(id, part);
      if (batch.rows.length > 0) return batch;
    }
    return last.pendingAfter!(Math.max(0, given - offered.size), limit);
  };
  /** Each table's part of rows that were given out. */
  const each = <T>(
    rows: readonly T[],
    idOf: (row: T) => Id,
    act: (part: TableOutbox, rows: readonly T[]) => void,
  ) => {
    if (offered.size === 0) return act(last, rows);
    for (const part of parts) {
      const own = rows.filter((row) => (offered.get(idOf(row)) ?? last) === part);
      if (own.length > 0) act(part, own);
    }
  };
  const self = (id: Id) => id;
  /** Of rows that were rejected before. */
  const decide = (decision: "readmit" | "discard") => (ids: readonly Id[]) => {
    for (const id of ids) {
      const table = store.rejected.find(stream, id)?.table;
      parts.find(({ tables }) => table !== undefined && tables.includes(table))?.[decision]([id]);
    }
  };

  return {
    tables: parts.flatMap(({ tables }) => tables),
    counted: Promise.all(parts.map(({ counted }) => counted)),
    pending(limit, { skip = NONE } = {}) {
      skipped = skip;
      offered.clear();
      return next(0, limit);
    },
    pendingAfter: next,
    passOver: (ids) => each(ids, self, (part, own) => part.passOver!(own)),
    startOver() {
      for (const part of parts) part.startOver!();
    },
    settle(ids, at) {
      each(ids, self, (part, own) => part.settle(own, at));
      for (const id of ids) offered.delete(id);
    },
    reject(rejections, at) {
      each(rejections, ({ id }) => id, (part, own) => part.reject(own, at));
      for (const { id } of rejections) offered.delete(id);
    },
    readmit: decide("readmit"),
    discard: decide("discard"),
    depth() {
      const depths = parts.map((part) => part.depth());
      const [oldest = null] = depths.flatMap(({ oldest }) => oldest ?? []).sort();
      return { rows: depths.reduce((sum, { rows }) => sum + rows, 0), oldest };
    },
  };
}
