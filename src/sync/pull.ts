/**
 * Takes what the cloud has for this machine: each table page by page from its cursor. A page and its cursor
 * are committed together, so that a crash only reads the page again.
 * @module
 */
import type { Cursor, Inbox, Page } from "../core/mod.ts";
import { concernsTable, type Failure, failureOf } from "./errors.ts";
import type { Pauses } from "./pauses.ts";

export interface PullOptions {
  inbox: Inbox;
  pauses: Pauses;
  /** One request for a page. */
  read(table: string, cursor: Cursor | null): Promise<Page>;
  /** Applies a page in a transaction. */
  apply(page: Page): Promise<unknown>;
  /** Whether the lane has come to its end: no further page is read. */
  stopped(): boolean;
}

export interface Pulled {
  rows: number;
  failure?: Failure;
  /** Whether the failure is of some tables only. */
  tableOnly?: boolean;
  /** Whether a table was read to its end. */
  progress: boolean;
}

/** Pulls every table until nothing is new. A table that cannot be read does not stop the others. */
export async function pull(options: PullOptions): Promise<Pulled> {
  const { inbox, pauses, stopped } = options;
  const skip = pauses.tables();
  const pulled: Pulled = { rows: 0, progress: false };
  for (const table of inbox.tables) {
    if (skip.has(table) || stopped()) continue;
    try {
      pulled.rows += await pullTable(table, options);
      pulled.progress = true;
      pauses.passed(table);
    } catch (error) {
      const failure = failureOf(error);
      if (!concernsTable(failure)) return { ...pulled, failure };
      pauses.add(table, failure);
    }
  }
  const { failure } = pauses;
  return failure ? { ...pulled, failure, tableOnly: true } : pulled;
}

async function pullTable(table: string, options: PullOptions): Promise<number> {
  const { inbox, read, apply, stopped } = options;
  let rows = 0;
  let more = true;
  while (more && !stopped()) {
    const before = inbox.cursor(table);
    const page = await read(table, before);
    await apply(page);
    rows += page.rows.length;
    // A page that leads nowhere would be read for ever.
    more = page.more && !sameCursor(before, inbox.cursor(table));
  }
  return rows;
}

function sameCursor(one: Cursor | null, other: Cursor | null): boolean {
  return one?.id === other?.id && one?.updatedAt === other?.updatedAt;
}
