/**
 * A small real outbox for tests of the sync: a table of notes that wait, in a real database.
 * @module
 */
import type { Migration } from "../../../src/core/mod.ts";
import { type Store, type TableOutbox, tableOutbox } from "../../../src/store/mod.ts";

export const sampleMigration: Migration = {
  name: "test-1-notes",
  sql: `
    CREATE TABLE notes (id TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL,
      synced_at TEXT, rejected_at TEXT) WITHOUT ROWID;
    CREATE INDEX notes_waiting ON notes (id) WHERE synced_at IS NULL AND rejected_at IS NULL;
  `,
};

export function sampleOutbox(store: Store): TableOutbox {
  return tableOutbox(store, {
    stream: "playtime",
    table: "notes",
    remoteTable: "heartbeats",
    index: "notes_waiting",
    columns: ["at", "body"],
    instant: "at",
  });
}

/** Adds rows that wait: `n0001`, `n0002` … or the ids given. */
export async function addNotes(
  { store, outbox }: { store: Store; outbox: TableOutbox },
  ids: number | readonly string[],
): Promise<string[]> {
  const all = typeof ids === "number" ? noteIds(ids) : [...ids];
  await store.write(() => {
    const add = store.db.prepare("INSERT INTO notes (id, at, body) VALUES (?, ?, 'x')");
    for (const id of all) add.run(id, "2026-03-02T12:00:00.000Z");
    outbox.added(all.length);
  });
  return all;
}

export function noteIds(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `n${String(n + 1).padStart(4, "0")}`);
}

/** The ids of the rows that are settled, in order. */
export function settledNotes(store: Store): string[] {
  return store.db.prepare("SELECT id FROM notes WHERE synced_at IS NOT NULL ORDER BY id").all()
    .map(({ id }) => String(id));
}

/** What lies in `sync_rejected`. */
export function rejectedNotes(
  store: Store,
): { id: string; status: number | null; code: string | null; message: string }[] {
  return store.db.prepare(
    "SELECT row_id, status, code, message FROM sync_rejected WHERE readmitted = 0 ORDER BY row_id",
  ).all().map(({ row_id, status, code, message }) => ({
    id: String(row_id),
    status: status === null ? null : Number(status),
    code: code === null ? null : String(code),
    message: String(message),
  }));
}
